"""``yizhan node``: enrolment, rotation and revocation, as far as they need no server."""

import json
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from proto.envelope import from_json
from proto.messages import Directory, Key, Node
from services.cli.app import app
from services.cli.enrolment import write_public
from services.cli.failures import Exit
from services.kit.crypto import MACHINE_COST, PrivateKey, write_secret
from services.kit.ids import utc_now
from services.kit.trust.state import TrustState
from tests.world import KUNSHAN, PROVINCE, SUZHOU, World

TAICANG = "320585"
STAFF = """
[[staff]]
person = "officer"
name = "【样例】信息员"
roles = ["information_officer"]
password-file = "officer.txt"

[[staff]]
person = "lead"
name = "【样例】分管领导"
roles = ["office_lead"]
full_time = false
password_file = "lead.txt"
"""


class Office:
    """A var folder that holds a root key and a directory, and the command line over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World.make(utc_now())
        write_secret(folder / "keys" / "root.pem", self.world.root.to_pem("root", MACHINE_COST))
        write_secret(folder / "secrets" / "root-passphrase", b"root\n")
        write_secret(folder / "secrets" / "node-passphrase", b"node\n")
        key = self.world.node_keys[KUNSHAN]
        write_secret(folder / "keys" / "nodes" / f"{KUNSHAN}.pem", key.to_pem("node", MACHINE_COST))
        (folder / "root.json").write_bytes(msgspec.json.encode(self.world.pinned))
        write_public(folder / "registry" / "directory.json", self.world.registry()[0].json())

    def run(self, *words: str) -> Any:
        return CliRunner().invoke(app, ["node", *words], prog_name="yizhan")

    def directory(self) -> Directory:
        """Return the directory as any node would take it."""
        state = TrustState(self.world.pinned)
        state.apply(self.world.registry()[0])
        state.apply(from_json((self.folder / "registry" / "directory.json").read_bytes()))
        return state.directory

    def node(self, code: str) -> Node:
        return next(node for node in self.directory().nodes if node.code == code)

    def init(self, code: str = TAICANG, *more: str) -> Path:
        (self.folder / "pass.txt").write_text("unit\n")
        out = self.folder / "out"
        result = self.run(
            "init", code, "--name", "太仓市人民政府办公室", "--out", str(out),
            "--passphrase-file", str(self.folder / "pass.txt"), *more,
        )  # fmt: skip
        assert result.exit_code == Exit.GOOD, result.stderr
        return out

    def approve(self, *requests: Path, more: tuple[str, ...] = ("--kind", "county", "--parent", SUZHOU)) -> Any:
        return self.run("approve", *map(str, requests), *more, "--no-publish", "--json")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("YIZHAN_VAR", str(tmp_path))
    return Office(tmp_path)


def _only(keys: tuple[Key, ...]) -> Key:
    (key,) = keys
    return key


def test_init_makes_an_encrypted_key_and_a_request_that_proves_its_possession(office: Office) -> None:
    out = office.init()
    pem = out / f"{TAICANG}.pem"
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600
    key = PrivateKey.from_pem(pem.read_bytes(), "unit")
    request = from_json((out / f"{TAICANG}.request.json").read_bytes())
    assert [s.keyid for s in request.signatures] == [key.keyid]


def test_init_never_overwrites_a_key(office: Office) -> None:
    before = (office.init() / f"{TAICANG}.pem").read_bytes()
    result = office.run("init", TAICANG, "--name", "x", "--out", str(office.folder / "out"))
    assert result.exit_code == Exit.NOT_SO
    assert "node.key_exists" in result.stderr
    assert (office.folder / "out" / f"{TAICANG}.pem").read_bytes() == before


def test_init_refuses_what_is_no_code_and_asks_nobody_where_nobody_is(office: Office) -> None:
    assert office.run("init", "苏州", "--name", "x").exit_code == Exit.USAGE
    assert "secret.needed" in office.run("init", TAICANG, "--name", "x", "--out", str(office.folder / "o")).stderr


def test_init_with_staff_makes_a_roster_that_the_directory_accepts(office: Office) -> None:
    (office.folder / "staff.toml").write_text(STAFF, encoding="utf-8")
    for name in ("officer", "lead"):
        (office.folder / f"{name}.txt").write_text(f"{name}-password\n")
    out = office.init(TAICANG, "--staff", str(office.folder / "staff.toml"))
    assert office.approve(out / f"{TAICANG}.request.json").exit_code == Exit.GOOD
    state = TrustState(office.world.pinned)
    state.apply(from_json((office.folder / "registry" / "directory.json").read_bytes()))
    state.apply(from_json((out / f"{TAICANG}.roster.json").read_bytes()))
    lead = state.staff(TAICANG, "lead")
    assert lead is not None
    assert not lead.full_time
    accounts = json.loads((out / f"{TAICANG}.accounts.json").read_text())
    assert [a["person"] for a in accounts] == ["officer", "lead"]
    assert accounts[1]["password_hash"].startswith("$argon2id$")
    assert "lead-password" not in (out / f"{TAICANG}.accounts.json").read_text()
    assert stat.S_IMODE((out / f"{TAICANG}.accounts.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["", "[[staff]]\nperson = 'x'", STAFF.replace("office_lead", "king"), STAFF + STAFF, "[[staff"]
)
def test_a_wrong_staff_file_is_wrong_usage_and_makes_nothing(office: Office, text: str) -> None:
    (office.folder / "staff.toml").write_text(text, encoding="utf-8")
    result = office.run("init", TAICANG, "--name", "x", "--staff", str(office.folder / "staff.toml"))
    assert result.exit_code == Exit.USAGE
    assert result.stderr.count("\n") == 1
    assert "staff.invalid" in result.stderr


def test_approve_signs_the_next_directory_with_the_new_unit(office: Office) -> None:
    request = office.init() / f"{TAICANG}.request.json"
    result = office.approve(request, more=("--kind", "county", "--parent", SUZHOU, "--direct-report"))
    assert result.exit_code == Exit.GOOD, result.stderr
    answer = json.loads(result.stdout)
    assert answer["added"] == [TAICANG]
    assert answer["version"] == office.directory().version == 2
    node = office.node(TAICANG)
    assert (node.parent, node.gateway, node.direct_report) == (SUZHOU, "gateway", True)
    assert "重启，再发布名册" in result.stderr


def test_approve_writes_what_the_broker_needs_without_any_password(office: Office) -> None:
    result = office.approve(office.init() / f"{TAICANG}.request.json")
    assert json.loads(result.stdout)["broker"].startswith("rabbitmqctl import_definitions ")
    document = json.loads((office.folder / "registry" / "broker-definitions.json").read_text())
    assert document["users"] == []
    assert f"yz.inbox.{TAICANG}" in {queue["name"] for queue in document["queues"]}
    assert [p["user"] for p in document["permissions"]] == ["gateway"]


def test_approve_needs_the_terms_of_a_new_unit_and_a_parent_that_is_there(office: Office) -> None:
    request = office.init() / f"{TAICANG}.request.json"
    assert office.approve(request, more=()).exit_code == Exit.USAGE
    assert office.approve(request, more=("--kind", "county")).exit_code == Exit.USAGE
    assert office.approve(request, more=("--kind", "county", "--parent", "320900")).exit_code == Exit.NOT_SO
    assert office.directory().version == 1


def test_approve_refuses_another_key_for_an_enrolled_unit(office: Office) -> None:
    request = office.init(KUNSHAN) / f"{KUNSHAN}.request.json"
    result = office.approve(request)
    assert result.exit_code == Exit.NOT_SO
    assert "node.enrolled" in result.stderr
    assert office.directory().version == 1


def test_approving_twice_changes_nothing(office: Office) -> None:
    request = office.init() / f"{TAICANG}.request.json"
    assert office.approve(request).exit_code == Exit.GOOD
    result = office.approve(request)
    assert result.exit_code == Exit.NOT_SO
    assert "node.nothing_new" in result.stderr
    assert office.directory().version == 2


def test_an_altered_request_is_refused(office: Office) -> None:
    path = office.init() / f"{TAICANG}.request.json"
    document = json.loads(path.read_text())
    payload = msgspec.json.decode(json.dumps(document["payload"]).encode(), type=bytes)
    document["payload"] = msgspec.to_builtins(payload.replace(TAICANG.encode(), b"320584"))
    path.write_text(json.dumps(document))
    result = office.approve(path)
    assert result.exit_code == Exit.NOT_SO
    assert "signature.invalid" in result.stderr


def test_a_root_key_that_is_not_in_force_signs_nothing(office: Office) -> None:
    write_secret(office.folder / "keys" / "root.pem", PrivateKey.generate().to_pem("root", MACHINE_COST))
    result = office.approve(office.init() / f"{TAICANG}.request.json")
    assert result.exit_code == Exit.NOT_SO
    assert "root.not_in_force" in result.stderr


def test_a_wrong_root_passphrase_is_said_so(office: Office) -> None:
    write_secret(office.folder / "secrets" / "root-passphrase", b"wrong")
    result = office.approve(office.init() / f"{TAICANG}.request.json")
    assert result.exit_code == Exit.NOT_SO
    assert "key.unusable" in result.stderr


def test_rotate_puts_the_new_key_in_place_and_lets_the_old_one_hold_a_little(office: Office) -> None:
    old = office.world.node_keys[KUNSHAN]
    result = office.run("rotate", KUNSHAN, "--no-publish", "--json")
    assert result.exit_code == Exit.GOOD, result.stderr
    keys = office.folder / "keys" / "nodes"
    new = PrivateKey.from_pem((keys / f"{KUNSHAN}.pem").read_bytes(), "node")
    before, after = office.node(KUNSHAN).keys
    assert (before.keyid, after.keyid) == (old.keyid, new.keyid)
    assert before.valid_to is not None
    assert (before.valid_to - after.valid_from).total_seconds() == 600
    assert PrivateKey.from_pem((keys / f"{KUNSHAN}.{old.keyid[:12]}.pem").read_bytes(), "node").keyid == old.keyid
    assert not (keys / f"{KUNSHAN}.next.pem").exists()


def test_rotate_without_the_root_key_waits_for_approval_and_then_goes_on(office: Office) -> None:
    root = office.folder / "keys" / "root.pem"
    away = office.folder / "root-elsewhere.pem"
    root.rename(away)
    result = office.run("rotate", KUNSHAN, "--json")
    assert result.exit_code == Exit.GOOD, result.stderr
    waiting = json.loads(result.stdout)
    assert waiting["approved"] is False
    again = json.loads(office.run("rotate", KUNSHAN, "--json").stdout)
    assert again["keyid"] == waiting["keyid"]  # the same key, not a third one
    passphrase = str(office.folder / "secrets" / "root-passphrase")
    more = ("--root-key", str(away), "--root-passphrase-file", passphrase)
    assert office.approve(Path(waiting["request"]), more=more).exit_code == Exit.GOOD
    assert json.loads(office.run("rotate", KUNSHAN, "--json").stdout)["approved"] is True
    pem = (office.folder / "keys" / "nodes" / f"{KUNSHAN}.pem").read_bytes()
    assert PrivateKey.from_pem(pem, "node").keyid == waiting["keyid"] == office.node(KUNSHAN).keys[-1].keyid


def test_revoke_needs_a_yes_and_then_holds(office: Office) -> None:
    key = _only(office.node(KUNSHAN).keys)
    assert "confirm.needed" in office.run("revoke", KUNSHAN, key.keyid[:8], "--no-publish").stderr
    assert office.directory().version == 1
    result = office.run("revoke", KUNSHAN, key.keyid[:8], "--no-publish", "--yes", "--json")
    assert result.exit_code == Exit.GOOD, result.stderr
    assert _only(office.node(KUNSHAN).keys).revoked_from is not None
    result = office.run("revoke", KUNSHAN, key.keyid, "--no-publish", "--yes")
    assert result.exit_code == Exit.NOT_SO
    assert "key.revoked" in result.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [((KUNSHAN, "0" * 8), Exit.NOT_SO), ((KUNSHAN, "abc"), Exit.USAGE), (("320999", "0" * 8), Exit.NOT_SO)],
)
def test_revoke_refuses_what_is_not_there(office: Office, words: tuple[str, str], code: Exit) -> None:
    assert office.run("revoke", *words, "--no-publish", "--yes").exit_code == code


def test_list_shows_units_and_keys(office: Office) -> None:
    key = _only(office.node(KUNSHAN).keys)
    office.run("revoke", KUNSHAN, key.keyid, "--no-publish", "--yes")
    listed = json.loads(office.run("list", "--json").stdout)
    assert listed["version"] == 2
    states = {node["code"]: [k["state"] for k in node["keys"]] for node in listed["nodes"]}
    assert states[KUNSHAN] == ["revoked"]
    assert states[PROVINCE] == ["valid"]
    table = office.run("list").stdout
    assert "昆山市人民政府办公室" in table
    assert "已吊销" in table


def test_without_a_directory_nothing_is_listed(office: Office) -> None:
    (office.folder / "registry" / "directory.json").unlink()
    assert office.run("list").exit_code == Exit.CANNOT


def test_publish_takes_registry_messages_only(office: Office) -> None:
    _, envelope = office.world.report(KUNSHAN)
    path = office.folder / "report.json"
    path.write_bytes(envelope.json())
    write_secret(office.folder / "secrets" / "operator-token", b"token")
    result = office.run("publish", str(path))
    assert result.exit_code == Exit.USAGE
    assert "publish.kind" in result.stderr
