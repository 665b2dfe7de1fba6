"""Making a network on one machine: keys, directory, rosters, accounts, settings.

The settings file is written last, so its presence means that all the rest is whole; an earlier run that was killed in
the middle is begun anew.
"""

import secrets
import shutil
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from proto import codec
from proto.envelope import digest_of, from_json
from proto.messages import Directory, Key, Node, NodeKind, Staff
from services.cli.directory import VALID
from services.cli.failures import CliError, Exit
from services.cli.moments import last_month
from services.cli.names import SERVICES
from services.cli.network.config import settings_text
from services.cli.network.given import database_of
from services.cli.network.progress import Progress
from services.cli.network.units import PROVINCE, ROUTER, Unit
from services.cli.place import Place
from services.cli.trust import DIRECTORY
from services.gateway.secrets import HASHER
from services.gateway.store.accounts import Account
from services.kit.crypto import MACHINE_COST, PrivateKey, write_secret
from services.kit.ids import new_id
from services.kit.settings import secret
from services.kit.trust.enrol import key_record, next_directory, roster, seal_message
from services.kit.web.access import ALL

REPLACED: Final = "320585"
"""The unit of the sample network whose first key was lost and revoked."""
STORES: Final = tuple(service for service in SERVICES if service != "router")
BROKER_USERS: Final = (*SERVICES, "operator")


class MadeUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit with its new keys."""

    unit: Unit
    key: PrivateKey
    staff: tuple[Staff, ...]
    accounts: tuple[Account, ...]


def make_network(
    place: Place, units: Sequence[Unit], *, now: datetime, amqp_url: str, database_url: str, progress: Progress
) -> None:
    """Create everything under the var folder; ``amqp_url`` and ``database_url`` are empty for the private servers."""
    for folder in (place.keys, place.registry, place.secrets / "network"):
        shutil.rmtree(folder, ignore_errors=True)
    since = last_month(now)  # for the sample month; and clocks a little apart do not find the first keys too young
    _write_secrets(place)
    gateway = _gateway_user(amqp_url)
    router_user = gateway if amqp_url else "router"
    password = secret(str(place.demo_password))
    password_hash = HASHER.hash(password)  # one hash for all demo accounts: they share one password anyway
    made: list[MadeUnit] = []
    with ThreadPoolExecutor(2) as pool:
        for one in pool.map(lambda unit: _make_unit(unit, since, password, password_hash), units):
            made.append(one)
            progress("keys", len(made), len(units))
    _write_keys(place, made, gateway, router_user, since, now)
    admit_gateway(place, [u.code for u in units])
    write_secret(place.accounts, msgspec.json.encode([a for m in made for a in m.accounts]))
    write_secret(
        place.config,
        settings_text(place, [u.code for u in units], amqp_url=amqp_url, database_url=database_url).encode(),
    )


def settle_settings(place: Place, *, amqp_url: str, database_url: str) -> list[str]:
    """Write the settings for the ports and servers of this start; return the codes of the units hosted here.

    Those are the units of the directory, enrolled later ones too, that our broker user speaks for and whose key is
    here. Refuse servers for which the keys were not made.
    """
    directory = codec.decode(from_json((place.registry / DIRECTORY).read_bytes()))
    nodes = directory.nodes if isinstance(directory, Directory) else ()
    made_for = next((n.gateway for n in nodes if n.code == PROVINCE), "")
    if made_for != _gateway_user(amqp_url):
        raise CliError(
            Exit.SETTINGS,
            "place.other_broker",
            "此网络为另一总线用户建立：设与当时相同的 YIZHAN_AMQP_URL，或用 --reset 重建",
            "This network was made for another broker user: set the same YIZHAN_AMQP_URL as then, or --reset",
            f"{made_for!r}, not {_gateway_user(amqp_url)!r}",
        )
    _require_same_database(place, database_url)
    codes = [
        n.code
        for n in nodes
        if n.gateway == made_for
        and n.type is not NodeKind.SERVICE
        and (place.keys / "nodes" / f"{n.code}.pem").exists()
    ]
    admit_gateway(place, codes)
    text = settings_text(place, codes, amqp_url=amqp_url, database_url=database_url)
    write_secret(place.config, text.encode())
    return codes


def _require_same_database(place: Place, database_url: str) -> None:
    """Refuse another database than at the last start, whose settings are still there: the new one would be empty."""
    if not place.made:
        return
    table = tomllib.loads(place.config.read_text(encoding="utf-8")).get("gateway", {})
    private = "database_password_file" in table
    before = "" if private else database_of(str(table.get("database_url", "")))
    now = database_of(database_url) if database_url else ""
    if before != now:
        raise CliError(
            Exit.SETTINGS,
            "place.other_database",
            "此网络的数据在另一数据库：设与当时相同的 YIZHAN_DATABASE_URL；数据已迁走的，先改 yizhan.toml 中各 database_url",
            "This network's data is in another database: set the same YIZHAN_DATABASE_URL as then; "
            "where you moved the data, first change each database_url in yizhan.toml",
            f"{before or 'private'}, not {now or 'private'}",
        )


def _gateway_user(amqp_url: str) -> str:
    return urlsplit(amqp_url).username or "guest" if amqp_url else "gateway"


def _make_unit(unit: Unit, since: datetime, password: str, password_hash: str) -> MadeUnit:
    staff: list[Staff] = []
    accounts: list[Account] = []
    for person, name, role in unit.posts():
        key = PrivateKey.generate()
        staff.append(
            Staff(
                person=person, name=name, roles=(role,), full_time=True, since=since,
                keys=(key_record(key.public, since=since),),
            )
        )  # fmt: skip
        accounts.append(
            Account(node=unit.code, person=person, password_hash=password_hash, key_pem=key.to_pem(password))
        )
    return MadeUnit(unit=unit, key=PrivateKey.generate(), staff=tuple(staff), accounts=tuple(accounts))


def _write_secrets(place: Place) -> None:
    for name in ("root-passphrase", "node-passphrase", "router-passphrase", "demo-password", "operator-token"):
        if not (place.secrets / name).exists():
            length = 9 if name == "demo-password" else 32  # the first is typed by hand
            write_secret(place.secrets / name, secrets.token_urlsafe(length).encode())
    for user in BROKER_USERS:
        if not (place.secrets / f"amqp-{user}").exists():
            write_secret(place.secrets / f"amqp-{user}", secrets.token_urlsafe(32).encode())
    for service in STORES:
        if not (place.secrets / f"pg-{service}").exists():
            write_secret(place.secrets / f"pg-{service}", secrets.token_urlsafe(32).encode())
    write_secret(place.access, msgspec.json.encode({digest_of(place.operator().encode()): [ALL]}))


def admit_gateway(place: Place, codes: Sequence[str]) -> None:
    """Let the gateway ask the scoring service for its own units, beside whoever has a token here already."""
    if not place.scoring_token.exists():
        write_secret(place.scoring_token, secrets.token_urlsafe(32).encode())
    known = msgspec.json.decode(place.access.read_bytes(), type=dict[str, list[str]])
    own = {digest_of(secret(str(place.scoring_token)).encode()): list(codes)}
    write_secret(place.scoring_access, msgspec.json.encode(known | own))


def _write_keys(
    place: Place, made: Sequence[MadeUnit], gateway: str, router_user: str, since: datetime, now: datetime
) -> None:
    root, router = PrivateKey.generate(), PrivateKey.generate()
    write_secret(place.keys / "root.pem", root.to_pem(secret(str(place.secrets / "root-passphrase")), MACHINE_COST))
    write_secret(
        place.keys / "router.pem", router.to_pem(secret(str(place.secrets / "router-passphrase")), MACHINE_COST)
    )
    node_passphrase = secret(str(place.secrets / "node-passphrase"))
    roots: tuple[Key, ...] = (key_record(root.public, since=since),)
    write_secret(place.pinned, msgspec.json.encode(roots))
    compromised = PrivateKey.generate()  # the sample day's revoked key: lost, and revoked since
    write_secret(place.keys / "revoked" / f"{REPLACED}.pem", compromised.to_pem(node_passphrase, MACHINE_COST))
    old = msgspec.structs.replace(key_record(compromised.public, since=since), valid_to=now, revoked_from=now)
    nodes = [_node(m.unit, m.key, gateway, since, (old,) if m.unit.code == REPLACED else ()) for m in made] + [
        _node(ROUTER, router, router_user, since)
    ]
    directory = next_directory(None, nodes, roots, id=new_id(), origin=PROVINCE, issued=now, expires=now + VALID)
    write_secret(place.registry / DIRECTORY, seal_message(directory, directory.kind(), root).json())
    for m in made:
        write_secret(place.keys / "nodes" / f"{m.unit.code}.pem", m.key.to_pem(node_passphrase, MACHINE_COST))
        listed = roster(m.unit.code, m.staff, version=1, id=new_id(), at=now)
        write_secret(
            place.registry / "rosters" / f"{m.unit.code}.json", seal_message(listed, listed.kind(), m.key).json()
        )


def _node(unit: Unit, key: PrivateKey, gateway: str, since: datetime, old: tuple[Key, ...] = ()) -> Node:
    return Node(
        code=unit.code,
        name=unit.name,
        type=unit.type,
        parent=unit.parent,
        gateway=gateway,
        research_class=unit.research_class,
        direct_report=unit.direct_report,
        keys=(*old, key_record(key.public, since=since)),
    )
