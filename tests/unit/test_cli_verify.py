"""``yizhan verify``: offline, on files as they are exported."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from proto.envelope import Envelope
from proto.messages import Directory, Roster
from services.cli import verdicts
from services.cli.app import app
from services.cli.failures import Exit
from services.cli.trust import Trust
from services.kit.crypto import PrivateKey
from services.kit.ids import utc_now
from services.kit.trust import enrol
from tests.world import JIANGYIN, KUNSHAN, LEAD_SIGNS, World


@pytest.fixture(scope="module")
def world() -> World:
    return World.make(utc_now())


@pytest.fixture(scope="module")
def place(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    (folder / "rosters").mkdir()
    (folder / "root.json").write_bytes(msgspec.json.encode(world.pinned))
    for envelope in world.registry():
        message = world.state.apply(envelope)
        name = "directory.json" if isinstance(message, Directory) else f"rosters/{message.origin}.json"
        (folder / name).write_bytes(envelope.json())
    return folder


def _verify(place: Path, file: Path, *more: str) -> Any:
    words = ["verify", str(file), "--root", str(place / "root.json"), "--registry", str(place), *more]
    return CliRunner().invoke(app, words, prog_name="yizhan")


def _file(tmp_path: Path, *parts: bytes, joined: bytes = b"\n") -> Path:
    path = tmp_path / "messages.json"
    path.write_bytes(joined.join(parts))
    return path


def _altered(data: bytes) -> bytes:
    envelope = json.loads(data)
    raw = bytearray(msgspec.json.decode(json.dumps(envelope["payload"]).encode(), type=bytes))
    raw[raw.index("昆".encode())] ^= 1 << 3
    envelope["payload"] = msgspec.to_builtins(bytes(raw))
    return json.dumps(envelope).encode()


def test_a_good_report_is_valid_and_names_its_signers(world: World, place: Path, tmp_path: Path) -> None:
    report, envelope = world.report(KUNSHAN)
    result = _verify(place, _file(tmp_path, envelope.json()), "--json")
    assert result.exit_code == Exit.GOOD, result.stderr
    answer = json.loads(result.stdout)
    assert answer["verified"] is True
    assert answer["registry_problems"] == []
    (verdict,) = answer["messages"]
    assert verdict["ok"] is True
    assert verdict["id"] == str(report.id)
    assert verdict["signed_off_by"] == ["lead (office_lead, reviewed)", "lead (office_lead, approved)"]


def test_one_altered_byte_among_good_ones_fails_the_file(world: World, place: Path, tmp_path: Path) -> None:
    good, other = (world.report(code)[1].json() for code in (KUNSHAN, JIANGYIN))
    result = _verify(place, _file(tmp_path, good, _altered(other)), "--json")
    assert result.exit_code == Exit.NOT_SO
    answer = json.loads(result.stdout)
    assert answer["verified"] is False
    assert [m["ok"] for m in answer["messages"]] == [True, False]
    assert answer["messages"][1]["code"] in ("signature.invalid", "payload.not_utf8")
    assert answer["messages"][1]["zh"]


@pytest.mark.parametrize("form", ["list", "lines", "one"])
def test_all_forms_of_files_are_read(world: World, place: Path, tmp_path: Path, form: str) -> None:
    parts = [world.report(code)[1].json() for code in (KUNSHAN, JIANGYIN)]
    path = {
        "list": lambda: _file(tmp_path, b"[" + b", ".join(parts) + b"]"),
        "lines": lambda: _file(tmp_path, *parts, b""),
        "one": lambda: _file(tmp_path, msgspec.json.format(parts[0], indent=2)),
    }[form]()
    result = _verify(place, path, "--json")
    assert result.exit_code == Exit.GOOD, result.stdout
    assert len(json.loads(result.stdout)["messages"]) == (1 if form == "one" else 2)


@pytest.mark.parametrize(
    ("signs", "reason"), [((), "sign_off.missing"), (LEAD_SIGNS[:1], "sign_off.missing")], ids=["none", "review-only"]
)
def test_a_report_without_its_sign_offs_fails(
    world: World, place: Path, tmp_path: Path, signs: Any, reason: str
) -> None:
    _, envelope = world.report(KUNSHAN, sign=signs)
    result = _verify(place, _file(tmp_path, envelope.json()))
    assert result.exit_code == Exit.NOT_SO
    assert reason in result.stdout
    assert "无效 / invalid" in result.stdout


def test_another_units_key_fails(world: World, place: Path, tmp_path: Path) -> None:
    _, envelope = world.report(KUNSHAN, key=world.node_keys[JIANGYIN])
    result = _verify(place, _file(tmp_path, envelope.json()), "--json")
    assert json.loads(result.stdout)["messages"][0]["code"] == "key.not_of_origin"


def test_garbage_gets_a_verdict_not_a_traceback(place: Path, tmp_path: Path) -> None:
    result = _verify(place, _file(tmp_path, b'{"payload": 1}', b"\xff\xfe", b"[[["), "--json")
    assert result.exit_code == Exit.NOT_SO
    assert {m["code"] for m in json.loads(result.stdout)["messages"]} == {"envelope.malformed"}


def test_registry_messages_are_verified_too(world: World, place: Path, tmp_path: Path) -> None:
    listed = {type(world.state.apply(e)): e.json() for e in world.registry()}
    result = _verify(place, _file(tmp_path, listed[Directory], listed[Roster]), "--json")
    assert result.exit_code == Exit.GOOD, result.stdout


def _judged(world: World, *envelopes: Envelope) -> list[tuple[bool, str]]:
    trust = Trust(roots=world.pinned, state=world.state, problems=[])
    return [(v.ok, v.code) for v in (verdicts.judge(trust, e.json(), world.now) for e in envelopes)]


def _directory(world: World, key: PrivateKey, **changes: Any) -> Envelope:
    """Return a directory like the one in force, changed and sealed anew."""
    directory = msgspec.structs.replace(world.state.directory, id=world.new_id(), **changes)
    return enrol.seal_message(directory, "directory", key)


def test_of_directories_the_one_in_force_is_good_and_older_ones_are_said_to_be_old() -> None:
    world = World.make(utc_now())
    first = world.registry()[0]
    second = world.change_node(KUNSHAN, name="【样例】昆山")
    assert _judged(world, second, first) == [(True, ""), (True, "registry.superseded")]


def test_a_directory_that_was_never_in_force_is_not_good() -> None:
    world = World.make(utc_now())
    second_root = world.new_key("second root")
    world.publish_directory(roots=[enrol.key_record(second_root.public, since=world.begun)])  # retires the first
    key = enrol.key_record(world.new_key("nobody's").public, since=world.begun)
    evil, planted = (
        tuple(msgspec.structs.replace(n, **changes) if n.code == KUNSHAN else n for n in world.state.nodes())
        for changes in ({"gateway": "evil"}, {"keys": (key,)})
    )
    assert _judged(
        world,
        _directory(world, world.root, version=3, nodes=evil),  # by the retired root
        _directory(world, second_root, version=3, nodes=evil),  # by the new one: perhaps the next, not yet taken in
        _directory(world, world.root, version=2, nodes=evil),  # beside the one in force
        _directory(world, second_root, version=1, nodes=evil),  # backwards, by a root that signs from 3 on
        _directory(world, world.root, version=1, nodes=planted),  # backwards, with a key that nobody ever had
        _directory(world, world.root, version=1, sent_at=world.now),  # older, yet issued later
    ) == [
        (False, "registry.not_signed_by_root"),
        (False, "registry.newer"),
        (False, "registry.rollback"),
        (False, "registry.not_signed_by_root"),
        (False, "registry.invalid"),
        (False, "registry.rollback"),
    ]


def test_a_root_that_was_revoked_since_proves_no_older_directory() -> None:
    world = World.make(utc_now())
    first = world.registry()[0]
    (root,) = world.state.directory.roots
    world.publish_directory(roots=[msgspec.structs.replace(root, revoked_from=world.now)])
    assert _judged(world, first) == [(False, "registry.not_signed_by_root")]


def test_an_expired_directory_is_not_good() -> None:
    world = World.make(utc_now())
    envelope = world.publish_directory(expires=world.now - timedelta(hours=1))
    assert _judged(world, envelope) == [(False, "registry.expired")]


def test_of_rosters_the_one_in_force_is_good_and_older_ones_are_said_to_be_old() -> None:
    world = World.make(utc_now())
    first = next(e for e in world.registry() if world.state.apply(e).origin == KUNSHAN and "roster" in e.payload_type)
    second = world.change_staff(KUNSHAN, "officer", until=world.now)
    staff = world.state.staff_of(KUNSHAN)
    same, next_ = (enrol.roster(KUNSHAN, staff, version=version, id=world.new_id(), at=world.now) for version in (2, 3))
    assert _judged(world, second, first, world.seal(same, KUNSHAN), world.seal(next_, KUNSHAN)) == [
        (True, ""),
        (True, "registry.superseded"),
        (False, "registry.rollback"),
        (False, "registry.newer"),
    ]


def test_an_old_directory_is_said_to_be_old(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    folder.mkdir()
    later = World.make(utc_now())
    first, second = later.registry()[0], later.change_node(KUNSHAN, name="【样例】昆山")
    (folder / "root.json").write_bytes(msgspec.json.encode(later.pinned))
    (folder / "directory.json").write_bytes(second.json())
    result = _verify(folder, _file(tmp_path, first.json()))
    assert result.exit_code == Exit.GOOD
    assert "已被新版本取代" in result.stdout
    assert "registry.superseded" in result.stdout


@pytest.mark.parametrize("junk", [b"[" * 100_000, b'{"a":' * 100_000, b'[{"a":' * 100_000, b'["\xff"]', b"\xff\xfe"])
def test_whatever_a_file_holds_gets_a_verdict(place: Path, tmp_path: Path, junk: bytes) -> None:
    result = _verify(place, _file(tmp_path, junk), "--json")
    assert result.exit_code == Exit.NOT_SO
    assert {m["code"] for m in json.loads(result.stdout)["messages"]} == {"envelope.malformed"}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_file_without_any_message_is_said_in_one_line(place: Path, tmp_path: Path, form: tuple[str, ...]) -> None:
    result = _verify(place, _file(tmp_path, b"# Yizhan", *(b"some text\n" for _ in range(50))), *form)
    assert (result.exit_code, result.stdout) == (Exit.NOT_SO, "")
    assert len(result.stderr.splitlines()) == 1
    assert "verify.no_messages" in result.stderr


def test_a_key_is_judged_as_of_the_time_asked_for(world: World, place: Path, tmp_path: Path) -> None:
    _, envelope = world.report(KUNSHAN)
    early = (world.now - timedelta(days=1)).isoformat()
    result = _verify(place, _file(tmp_path, envelope.json()), "--at", early, "--json")
    assert json.loads(result.stdout)["messages"][0]["code"] == "payload.sent_in_future"


def test_a_forged_directory_is_refused_before_anything_is_verified(world: World, place: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "root.json").write_bytes(msgspec.json.encode(World.make(world.now).pinned))
    _, envelope = world.report(KUNSHAN)
    words = [
        "verify",
        str(_file(tmp_path, envelope.json())),
        "--root",
        str(other / "root.json"),
        "--registry",
        str(place),
    ]
    result = CliRunner().invoke(app, words, prog_name="yizhan")
    assert result.exit_code == Exit.NOT_SO
    assert "registry.not_signed_by_root" in result.stderr


def test_an_empty_file_and_a_missing_one_are_wrong_usage(place: Path, tmp_path: Path) -> None:
    assert _verify(place, _file(tmp_path, b"")).exit_code == Exit.USAGE
    assert _verify(place, tmp_path / "absent.json").exit_code == Exit.USAGE


def test_without_a_root_key_it_cannot_run(tmp_path: Path) -> None:
    file = _file(tmp_path, b"{}")
    words = ["verify", str(file), "--root", str(tmp_path / "absent.json"), "--registry", str(tmp_path)]
    result = CliRunner().invoke(app, words, prog_name="yizhan")
    assert result.exit_code == Exit.CANNOT
    assert "root.missing" in result.stderr
