"""Making the broker ready for new units: their inboxes, and their gateway's permission to speak for them."""

import asyncio
import json
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from proto.messages import NodeKind
from proto.topology import gateway_grant
from services.cli.broker import gateway_url
from services.cli.directory import Change
from services.cli.output import say
from services.cli.place import Place
from services.kit.broker_admin import BrokerUser, apply_definitions, definitions
from services.kit.crypto import write_secret
from services.kit.errors import SettingsError, TransientError
from services.kit.settings import secret

ADMIN: Final = "yizhan-admin"
FILE: Final = "broker-definitions.json"
APPLIED: Final = "applied"


def prepare(place: Place, change: Change) -> str:
    """Apply the definitions where the private broker's management is at hand, else write them to a file.

    Return ``applied``, or the command that an administrator of the broker has to run.
    """
    document = definitions_for(place, change)
    admin = place.secrets / "rabbitmq-admin"
    if admin.exists():
        password = quote(secret(str(admin)), safe="")
        try:
            asyncio.run(apply_definitions(f"http://{ADMIN}:{password}@127.0.0.1:{place.ports.management}", document))
        except (TransientError, SettingsError) as error:
            say(f"yizhan: {error}")
        else:
            return APPLIED
    path = place.registry / FILE
    write_secret(path, json.dumps(document, ensure_ascii=False, indent=1).encode())
    command = f"rabbitmqctl import_definitions {path}"
    say(f"请在消息总线上运行 / run at the broker: {command}")
    return command


def definitions_for(place: Place, change: Change) -> dict[str, Any]:
    """Return the whole topology with every unit, and the new units' gateways' permissions. No user, no password."""
    units = [node for node in change.directory.nodes if node.type is not NodeKind.SERVICE]
    gateways = {node.gateway for node in units if node.code in change.added}
    users = [
        BrokerUser(name=name, password="", grant=gateway_grant([n.code for n in units if n.gateway == name]))
        for name in sorted(gateways)
    ]
    vhost = "/"
    if place.made:
        vhost = unquote(urlsplit(gateway_url(place)).path[1:]) or "/"
    document = definitions(vhost, [node.code for node in units], users)
    return document | {"users": []}
