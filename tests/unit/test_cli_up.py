"""``yizhan up`` and ``node approve``, as far as they need no server."""

import asyncio
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.ports import Ports
from proto.messages import BulletinContent, BulletinLine, BulletinType, Directory, NodeKind, UnitClass
from services.cli import broker_setup, node, publishing, up
from services.cli.directory import Change
from services.cli.enrolment import write_public
from services.cli.failures import CliError, Exit
from services.cli.network.given import database_of
from services.cli.network.making import settle_settings
from services.cli.network.reset import clear
from services.cli.network.sample import statement
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
    write_secret(place.access, b"{}")
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


def test_the_top_lines_of_the_bulletin_are_the_best_of_each_class(world: World) -> None:
    lines = tuple(
        BulletinLine(
            unit=unit, unit_class=unit_class, rank=1, adopted=adopted, points=Decimal(3), corrections=Decimal(0),
            year_points=Decimal(3),
        )
        for unit, unit_class, adopted in (
            (SUZHOU, UnitClass.CITY, 2), ("320100", UnitClass.CITY, 1), ("320200", UnitClass.CITY, 1),
            (KUNSHAN, UnitClass.DIRECT_REPORT, 0),
        )
    )  # fmt: skip
    bulletin = BulletinContent(type=BulletinType.MONTHLY, period="2026-10", lines=lines, rules=("2026-1",), text="")
    table = statement.top_lines(bulletin, world.state)
    assert table.title == "关于2026年10月政务信息采用情况的通报（已印发 / issued）"
    assert list(table.columns[0].cells) == ["设区市 / city", "  苏州市人民政府办公室", "  320100"]
