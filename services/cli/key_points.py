"""``yizhan points``: what a hub wants reported in a month, and how its units answer (报送要点)."""

from typing import Annotated, Any, Final

import typer

from proto.messages import UnitClass
from services.cli.appeals import Month
from services.cli.asking import ask, put_facts, put_table
from services.cli.forwarding import Hub, OwnId
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.score_words import this_month
from services.cli.tree import Tree

_CLASSES: Final = ", ".join(UnitClass)
tree: Final = Tree(help="报送要点：下发、查看、落实情况 / Key points: say, list, and how they are answered")


@tree.command("set", help="下发要点，接当月已有的编号 / Say points, numbered on from those of the month")
def set_points(
    hub: Hub,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT…", help="要点，一条一个参数 / Points, one an argument")],
    *,
    month: Month = "",
    classes: Annotated[
        list[UnitClass] | None,
        typer.Option("--class", metavar="CLASS", help=f"只发该类单位 / To units of this class only: {_CLASSES}"),
    ] = None,
    units: Annotated[
        list[str] | None, typer.Option("--unit", metavar="CODE", help="只发该单位 / To this unit only")
    ] = None,
    id: OwnId = None,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Say what is to be reported: to all units, or to those of some classes and those named."""
    body = {"month": month or this_month(), "points": texts, "classes": classes or [], "units": units or [], "id": id}
    done = ask(hub, person, password_file, gateway, lambda editor: editor.post(_path(hub), body))
    return put_facts(done, (("要点 / key points", done["message"]),), as_json=as_json)


@tree.command("list", help="查看一个月的要点和报送条数 / A month's points, and how many reports of the unit name each")
def list_points(
    node: Annotated[str, typer.Argument(metavar="NODE", help="单位代码 / The unit")],
    *,
    month: Month = "",
    person: Person = "officer",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Show what a unit was asked for and, of a hub, what it asks."""
    found = ask(node, person, password_file, gateway, lambda one: one.get(_path(node), month=month))
    rows = [
        (point["reference"], said["hub_name"], point["text"], point["reports"])
        for said in found
        for point in said["points"]
    ]
    headings = ("要点 / point", "下发单位 / hub", "内容 / text", "本单位已报 / reported")
    return put_table(found, headings, rows, as_json=as_json)


@tree.command("coverage", help="要点落实情况 / How the units answer a hub's points of a month")
def coverage(
    hub: Hub,
    *,
    month: Month = "",
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Show each point with its reports, adoptions, and the units from which nothing came."""
    found = ask(hub, person, password_file, gateway, lambda editor: editor.get(f"{_path(hub)}/coverage", month=month))
    headings = (
        "要点 / point", "内容 / text", "单位 / units", "信息 / reports", "采用 / adopted", "未报单位 / units without",
    )  # fmt: skip
    rows = map(_covered, found["points"])
    return put_table(found, headings, rows, title=f"{found['hub']} {found['month']}", as_json=as_json)


def _covered(point: dict[str, Any]) -> tuple[Any, ...]:
    """Return a point as cells: of its units, those that reported out of those asked, and the others by name."""
    units = point["units"]
    without = [unit["name"] for unit in units if not unit["reports"]]
    return (
        point["reference"], point["text"], f"{len(units) - len(without)}/{len(units)}",
        sum(unit["reports"] for unit in units), sum(unit["adopted"] for unit in units), without,
    )  # fmt: skip


def _path(node: str) -> str:
    return f"/api/v1/nodes/{node}/key-points"
