"""``yizhan up`` and ``node approve``, as far as they need no server."""

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.ports import Ports
from proto.messages import Directory, NodeKind
from services.cli import broker_setup, node, publishing, up
from services.cli.app import app
from services.cli.directory import Change
from services.cli.enrolment import write_public
from services.cli.failures import CliError, Exit
from services.cli.network.given import Given, database_of
from services.cli.network.making import settle_settings
from services.cli.network.reset import clear
from services.cli.place import Place
from services.cli.walking import STEPS, walk_on
from services.kit.crypto import write_secret
from services.kit.ids import utc_now
from services.kit.trust.enrol import seal_message
from tests.world import KUNSHAN, SUZHOU, World

DEADLINE = 5.0  # seconds


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, Ports.from_environment({}))


@pytest.fixture
def world(place: Place) -> World:
    """Return a world whose directory is the place's."""
    made = World.make(utc_now())
    write_public(place.registry / "directory.json", made.registry()[0].json())
    return made


def _hosted(place: Place) -> list[str]:
    settings = tomllib.loads(place.config.read_text(encoding="utf-8"))
    return list(settings["gateway"]["nodes"])


def test_a_unit_enrolled_later_is_hosted_once_its_key_is_here(place: Place, world: World) -> None:
    user = next(n.gateway for n in world.state.directory.nodes if n.code == KUNSHAN)
    given = {"amqp_url": f"amqp://{user}@broker/", "database_url": "postgresql://db/x"}
    assert settle_settings(place, **given) == _hosted(place) == []
    for code in (SUZHOU, "320585", "320000-router"):  # a unit, one that is in no directory, a service
        write_secret(place.keys / "nodes" / f"{code}.pem", b"key")
    assert settle_settings(place, **given) == _hosted(place) == [SUZHOU]
    write_secret(place.keys / "nodes" / f"{KUNSHAN}.pem", b"key")
    assert sorted(settle_settings(place, **given)) == sorted(_hosted(place)) == [SUZHOU, KUNSHAN]


def test_a_unit_that_another_gateway_speaks_for_is_not_hosted(place: Place, world: World) -> None:
    directory = world.state.directory
    user = next(n.gateway for n in directory.nodes if n.code == KUNSHAN)
    nodes = tuple(_moved(n) if n.code == SUZHOU else n for n in directory.nodes)
    changed = Directory(**{f: getattr(directory, f) for f in directory.__struct_fields__} | {"nodes": nodes})
    write_public(place.registry / "directory.json", seal_message(changed, changed.kind(), world.root).json())
    for code in (SUZHOU, KUNSHAN):
        write_secret(place.keys / "nodes" / f"{code}.pem", b"key")
    assert settle_settings(place, amqp_url=f"amqp://{user}@broker/", database_url="postgresql://db/x") == [KUNSHAN]


def _moved(unit: Any) -> Any:
    assert unit.type is NodeKind.CITY
    return type(unit)(**{f: getattr(unit, f) for f in unit.__struct_fields__} | {"gateway": "elsewhere"})


def test_reset_deletes_what_we_made_and_nothing_else(place: Place) -> None:
    write_secret(place.config, b"x")
    write_secret(place.secrets / "root-passphrase", b"x")
    write_secret(place.keys / "root.pem", b"x")
    for name in ("lock", "mine.txt", "letters/a.json"):
        (place.var / name).parent.mkdir(exist_ok=True)
        (place.var / name).write_text("x")
    clear(place)
    assert sorted(path.name for path in place.var.iterdir()) == ["letters", "lock", "mine.txt"]


def test_reset_refuses_a_folder_without_a_network(place: Place) -> None:
    (place.var / "lock").touch()
    clear(place)  # nothing there: nothing to do
    (place.keys).mkdir()
    (place.keys / "my.pem").write_text("x")
    with pytest.raises(CliError) as refused:
        clear(place)
    assert (refused.value.exit_code, refused.value.code, refused.value.detail) == (
        Exit.CANNOT, "reset.not_ours", "'keys'",
    )  # fmt: skip
    assert (place.keys / "my.pem").exists()


class Falling:
    """A server that falls at once, cannot be started twice, then runs."""

    name = "RabbitMQ"

    def __init__(self) -> None:
        self.starts = 0
        self.up = asyncio.Event()
        self.running = True

    async def wait(self) -> int:
        if not self.running:
            raise EmbeddedError("x.stopped", "未在运行", "not running")
        if self.starts:
            await asyncio.Event().wait()
        return 1

    async def start(self) -> None:
        self.starts += 1
        self.running = self.starts > 2
        if not self.running:
            raise (EmbeddedError("x.luck", "不巧", "no luck") if self.starts == 1 else OSError("no luck"))
        self.up.set()


async def test_a_fallen_server_is_started_again_however_often_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Falling()
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(up.asyncio, "sleep", sleep)
    async with asyncio.timeout(DEADLINE), up._kept([server], up.Screen()):
        await server.up.wait()
    assert (server.starts, pauses) == (3, [0.5, 1.0])
    said = capsys.readouterr().err
    assert "RabbitMQ fell, starting it again" in said
    assert "Falling" not in said
    assert "{" not in said


PRIVATE = ""
ELSEWHERE = "postgresql://yizhan:secret@db.example:5433/news"


@pytest.mark.parametrize(
    ("made_with", "started_with", "good"),
    [
        (PRIVATE, PRIVATE, True),
        (ELSEWHERE, ELSEWHERE.replace("secret", "other"), True),
        (PRIVATE, ELSEWHERE, False),
        (ELSEWHERE, PRIVATE, False),
        (ELSEWHERE, ELSEWHERE.replace("news", "old"), False),
        (ELSEWHERE, ELSEWHERE.replace(":5433", ""), False),
    ],
)
def test_a_network_is_not_started_on_another_database(
    place: Place, world: World, made_with: str, started_with: str, *, good: bool
) -> None:
    user = next(n.gateway for n in world.state.directory.nodes if n.code == "320000")
    amqp_url = f"amqp://{user}@broker/"
    settle_settings(place, amqp_url=amqp_url, database_url=made_with)
    before = place.config.read_bytes()
    if good:
        settle_settings(place, amqp_url=amqp_url, database_url=started_with)
        return
    with pytest.raises(CliError) as refused:
        settle_settings(place, amqp_url=amqp_url, database_url=started_with)
    assert (refused.value.exit_code, refused.value.code) == (Exit.SETTINGS, "place.other_database")
    assert "secret" not in refused.value.line()
    assert place.config.read_bytes() == before


def test_a_network_is_not_started_on_the_broker_of_another_user(place: Place, world: World) -> None:
    assert world.state.directory.nodes
    with pytest.raises(CliError) as refused:
        settle_settings(place, amqp_url="amqp://somebody@broker/", database_url="")
    assert (refused.value.exit_code, refused.value.code) == (Exit.SETTINGS, "place.other_broker")


def test_a_database_is_known_by_its_place_and_name() -> None:
    same = ("postgresql://a:b@LOCALHOST/news", "postgres://c@127.0.0.1:5432/news?sslmode=disable")
    assert {database_of(url) for url in same} == {"127.0.0.1:5432/news"}
    assert database_of("postgresql://a@[::1]/news") == "[::1]:5432/news"
    assert database_of("postgresql://a@[::1]:5433") == "[::1]:5433/a"


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("YIZHAN_AMQP_URL", "http://user:secret@host/"),
        ("YIZHAN_AMQP_URL", "amqp://"),
        ("YIZHAN_AMQP_URL", "amqp://user:secret@host:many/"),
        ("YIZHAN_AMQP_URL", "amqp://user:secret@[::1/"),
        ("YIZHAN_DATABASE_URL", "mysql://user:secret@host/x"),
        ("YIZHAN_DATABASE_URL", "secret"),
    ],
)
def test_what_is_no_url_of_a_server_is_a_wrong_setting(
    variable: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("YIZHAN_AMQP_URL", "YIZHAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, url)
    with pytest.raises(CliError) as refused:
        Given.pop()
    assert refused.value.exit_code is Exit.SETTINGS
    assert variable in refused.value.line()
    assert "secret" not in refused.value.line()


def test_the_servers_of_our_own_are_those_that_are_not_given() -> None:
    assert Given(amqp_url="", database_url="").private == {"postgres": "PostgreSQL", "rabbitmq": "RabbitMQ"}
    assert Given(amqp_url="amqp://b", database_url="").private == {"postgres": "PostgreSQL"}
    assert Given(amqp_url="amqp://b", database_url="postgresql://d").private == {}


def _refused_up(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Any:
    for name in ("YIZHAN_AMQP_URL", "YIZHAN_DATABASE_URL", "YIZHAN_VAR", "YIZHAN_PORT_BASE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(app, ["up", "--once"], prog_name="yizhan")


@pytest.mark.parametrize(
    ("environment", "status", "code"),
    [
        ({"YIZHAN_PORT_BASE": "many"}, Exit.SETTINGS, "port_base.number"),
        ({"YIZHAN_PORT_BASE": "80"}, Exit.SETTINGS, "port_base.range"),
        ({"YIZHAN_AMQP_URL": "amqp"}, Exit.SETTINGS, "amqp_url.invalid"),
        ({"YIZHAN_VAR": "{folder}/file"}, Exit.CANNOT, "var.not_folder"),
        ({"YIZHAN_VAR": "{folder}/file/below"}, Exit.CANNOT, "var.not_folder"),
        ({"YIZHAN_VAR": "{folder}/驿站"}, Exit.CANNOT, "var.not_ascii"),
    ],
    ids=str,
)
def test_a_start_that_cannot_be_is_refused_in_both_languages_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], status: Exit, code: str
) -> None:
    (tmp_path / "file").touch()
    given = {"YIZHAN_VAR": str(tmp_path / "var")} | {
        name: value.format(folder=tmp_path) for name, value in environment.items()
    }
    result = _refused_up(monkeypatch, **given)
    assert (result.exit_code, result.stdout) == (status, ""), result.stderr
    (line,) = result.stderr.splitlines()
    assert f"[{code}]" in line
    zh, _, en = line.partition(" / ")
    assert any("\u4e00" <= c <= "\u9fff" for c in zh)
    assert en
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_lines_of_progress_are_not_cut_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    up.Screen().say("路径 " + "长" * 100, "[path] " + "long " * 40)
    (line,) = capsys.readouterr().err.splitlines()
    assert "[path] long" in line


@pytest.mark.parametrize(
    ("broker", "published"), [(broker_setup.APPLIED, True), ("rabbitmqctl import_definitions x", False)]
)
def test_a_directory_is_published_only_after_the_broker_is_ready(
    place: Place,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broker: str,
    published: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    path = place.registry / "directory.json"
    change = Change(path=path, version=2, added=[KUNSHAN], changed=[], directory=world.state.directory)
    order = []
    monkeypatch.setattr(broker_setup, "prepare", lambda *_: order.append("broker") or broker)
    monkeypatch.setattr(publishing, "send", lambda *_: order.append("published"))
    node._finish(place, change, publish=True, gateway="http://g", as_json=True)
    assert order == (["broker", "published"] if published else ["broker"])
    said = capsys.readouterr()
    assert (f"yizhan node publish {path} --via http://g" in said.err) is not published
    assert f'"published": {str(published).lower()}' in said.out


@pytest.mark.parametrize(
    ("state", "taken"),
    [
        ("draft", ["submit", "review", "approve", "send"]),
        ("awaiting_approval", ["approve", "send"]),
        ("sent", []),
        ("returned", []),
    ],
)
async def test_an_item_goes_on_from_where_it_stands(state: str, taken: list[str]) -> None:
    leads_to = dict(zip(STEPS, ("in_review", "awaiting_approval", "approved", "sent"), strict=True))
    done = []

    async def take(step: str) -> dict[str, str]:
        done.append(step)
        return {"state": leads_to[step]}

    assert await walk_on(state, STEPS, take) == ("sent" if taken else state)
    assert done == taken
