"""A unit's side of enrolment: its key, its request, its staff; and the terms on which the province takes it in."""

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from proto.addresses import address_of
from proto.messages import NodeKind, ResearchClass, Role, Staff
from proto.messages.base import PersonId
from services.cli import credentials
from services.cli.failures import not_so, usage
from services.kit.crypto import PrivateKey, write_secret
from services.kit.ids import new_id
from services.kit.trust.enrol import key_record, key_request, roster, seal_message


class StaffEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """One ``[[staff]]`` of the staff file."""

    person: PersonId
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=8)]
    full_time: bool = True  # 专职
    password_file: str = ""  # relative to the staff file; asked for where empty


class Person(Struct, frozen=True, kw_only=True):
    """A staff member with the password that will open account and key."""

    entry: StaffEntry
    password: str


class Terms(Struct, frozen=True, kw_only=True):
    """On what terms a new unit is taken in."""

    type: NodeKind | None
    parent: str | None
    gateway: str  # broker user
    direct_report: bool = False
    research_class: ResearchClass | None = None


class Made(Struct, frozen=True, kw_only=True):
    """What ``node init`` wrote."""

    node: str
    keyid: str
    key: str  # file names
    request: str
    roster: str | None = None
    accounts: str | None = None


def read_staff(path: Path) -> list[Person]:
    """Return the staff with their passwords, asking for those that no file gives."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        fields = [{k.replace("_", "-"): v for k, v in each.items()} for each in table.get("staff", [])]
        entries = msgspec.convert(fields, list[StaffEntry])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, msgspec.ValidationError) as error:
        raise usage("staff.invalid", "人员表有误", "The staff file is wrong", f"{path}: {error}") from error
    if not entries or len({each.person for each in entries}) != len(entries):
        raise usage("staff.invalid", "人员表为空或有重名", "The staff file is empty or names someone twice", str(path))

    def password(entry: StaffEntry) -> str:
        file = path.parent / entry.password_file if entry.password_file else None
        zh, en = f"{entry.person} 的口令", f"password of {entry.person}"
        return credentials.secret_of(file, zh=zh, en=en, confirm=True)

    return [Person(entry=entry, password=password(entry)) for entry in entries]


def check_new(out: Path, code: str) -> None:
    """Refuse what is no code, and a folder that holds this unit's key already: a key is never overwritten."""
    try:
        address_of(code)
    except ValueError as error:
        raise usage("node.code", "单位代码有误", "Not a node code", f"{code!r:.40}") from error
    if (out / f"{code}.pem").exists():
        raise not_so(
            "node.key_exists", "该单位的密钥已存在", "This unit's key exists already", str(out / f"{code}.pem")
        )


def make(code: str, name: str, people: Sequence[Person], passphrase: str, out: Path, *, at: datetime) -> Made:
    """Write the unit's files; the key comes first, so that a request never stands without its key."""
    key = PrivateKey.generate()
    request = key_request(code, name, new=key, old=None, at=at)
    files = {"key": out / f"{code}.pem", "request": out / f"{code}.request.json"}
    write_secret(files["key"], key.to_pem(passphrase))
    write_public(files["request"], request.json())
    if people:
        files |= {"roster": out / f"{code}.roster.json", "accounts": out / f"{code}.accounts.json"}
        staff, accounts = _hire(code, people, at)
        listed = roster(code, staff, version=1, id=new_id(), at=at)
        write_public(files["roster"], seal_message(listed, listed.kind(), key).json())
        write_secret(files["accounts"], msgspec.json.encode(accounts))
    return Made(node=code, keyid=key.keyid, **{what: str(path) for what, path in files.items()})


def _hire(code: str, people: Sequence[Person], at: datetime) -> tuple[list[Staff], list[Any]]:
    from services.gateway.secrets import HASHER  # noqa: PLC0415 - argon2 and the database are needed here only
    from services.gateway.store.accounts import Account  # noqa: PLC0415

    staff, accounts = [], []
    for each in people:
        key = PrivateKey.generate()
        record = key_record(key.public, since=at)
        entry = each.entry
        staff.append(
            Staff(
                person=entry.person, name=entry.name, roles=entry.roles, full_time=entry.full_time, since=at, keys=(record,)
            )
        )  # fmt: skip
        accounts.append(
            Account(
                node=code, person=entry.person, password_hash=HASHER.hash(each.password), key_pem=key.to_pem(each.password)
            )
        )  # fmt: skip
    return staff, accounts


def write_public(path: Path, data: bytes) -> None:
    """Write a file that anybody may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(data + b"\n")
    draft.replace(path)
