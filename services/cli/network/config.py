"""The settings file of the four services on one machine."""

import json
from collections.abc import Sequence
from typing import Final

from deploy.embedded.rabbitmq_config import VHOST
from services.cli.place import Place

DATABASE: Final = "yizhan"


def settings_text(place: Place, codes: Sequence[str], *, amqp_url: str, database_url: str) -> str:
    """Return the TOML text; secrets stay in their files, except those inside a URL that the operator gave."""
    tables: dict[str, dict[str, object]] = {
        "gateway": {
            "nodes": list(codes),
            "keys_dir": str(place.keys / "nodes"),
            "key_passphrase_file": str(place.secrets / "node-passphrase"),
            "access_file": str(place.access),
            "scoring_url": place.url("scoring"),
            "scoring_token_file": str(place.scoring_token),
        },
        "router": {
            "key_file": str(place.keys / "router.pem"),
            "key_passphrase_file": str(place.secrets / "router-passphrase"),
        },
        "scoring": {"access_file": str(place.scoring_access)},
        "archive": {"access_file": str(place.access)},
    }
    lines = [
        "# Written anew at each `yizhan up`. Your own settings go into YIZHAN_<SERVICE>_<FIELD> variables, which win.",
        "",
    ]
    for service, values in tables.items():
        common: dict[str, object] = {
            "port": getattr(place.ports, service),
            "root_key_file": str(place.pinned),
            "amqp_url": amqp_url or f"amqp://{service}@127.0.0.1:{place.ports.amqp}/{VHOST}",
        }
        if not amqp_url:
            common["amqp_password_file"] = str(place.secrets / f"amqp-{service}")
        if service != "router":
            common["database_url"] = (
                database_url or f"postgresql://yizhan_{service}@127.0.0.1:{place.ports.postgres}/{DATABASE}"
            )
            if not database_url:
                common["database_password_file"] = str(place.secrets / f"pg-{service}")
        lines.append(f"[{service}]")
        lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in (common | values).items()]
        lines.append("")
    return "\n".join(lines)
