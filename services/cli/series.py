"""``yizhan issue series``: a hub's publications, looked at, set up, changed, removed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from services.cli.asking import ask, put_table
from services.cli.failures import CliError, usage
from services.cli.forwarding import Hub
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.client import Api

_HEADINGS: Final = (
    "刊物 / series", "名称 / name", "编发 / organ", "报 / up", "送 / across", "发 / down", "首期 / first", "总期 / total",
)  # fmt: skip
_WIDEST: Final = 120  # columns


def add_to(tree: Tree) -> None:
    """Add the command."""
    text = "查看、设立、修改、撤销刊物 / Show publications, set one up, change or remove it"
    tree.command("series", help=text)(series)


def series(
    hub: Hub,
    name: Annotated[str, typer.Argument(metavar="[SERIES]", help="刊物短名；不给则全部 / Its short name; none: all")] = "",
    *,
    title: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="刊头名称，新刊必填 / As in the red head; a new one needs it")
    ] = None,
    organ: Annotated[
        str | None, typer.Option(metavar="ORGAN", help="编发单位，新刊默认本单位 / Who edits it; of a new one, the hub")
    ] = None,
    up: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="报：上级读者；空串为无 / Readers above; '' is none")
    ] = None,
    down: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="发：下级读者；空串为无 / Readers below; '' is none")
    ] = None,
    across: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="送：平级读者；空串为无 / Readers beside; '' is none")
    ] = None,
    first: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="首期期号，默认 1 / Number of the first issue, else 1")
    ] = None,
    first_total: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="首期总期号，默认 1 / Its total number, else 1")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="撤销没有各期的刊物 / Remove a publication that has no issues")
    ] = False,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Show publications; with options set one up, or change of it what they name, and nothing else."""
    fields = {"name": title, "organ": organ, "first_number": first, "first_total": first_total}
    asked = {field: value for field, value in fields.items() if value is not None}
    readers = {
        way: _codes(given) for way, given in (("up", up), ("down", down), ("across", across)) if given is not None
    }
    _check(name, asked, changed=bool(asked or readers), remove=remove)
    path = f"/api/v1/nodes/{hub}/series"
    one = f"{path}/{quote(name, safe='')}"

    async def work(editor: "Api") -> Any:
        if not name:
            return await editor.get(path)
        if remove:
            await editor.call("DELETE", one)
            return [{"removed": name}]
        if not asked and not readers:
            return [await editor.get(one)]
        there = await _there(editor, one)
        if there is None:
            if title is None:
                raise usage("series.no_name", "新设刊物须用 --name 给出名称", "A new publication needs a --name", name)
            there = {"organ": (await editor.get("/api/v1/me"))["node_name"], "readers": {}}
        kept = {field: value for field, value in there.items() if field != "series"}
        body = kept | asked | {"readers": there["readers"] | readers}
        return [await editor.call("PUT", one, body=body)]

    found = ask(hub, person, password_file, gateway, work)
    if remove:
        return put_table(found, ("已撤销 / removed",), [(name,)], as_json=as_json)
    rows = [
        (
            s["series"], s["name"], s["organ"], *(s["readers"][way] for way in ("up", "across", "down")), s["first_number"],
            s["first_total"],
        )
        for s in found
    ]  # fmt: skip
    return put_table(found, _HEADINGS, rows, widest=_WIDEST, as_json=as_json)


def _check(name: str, asked: dict[str, Any], *, changed: bool, remove: bool) -> None:
    """Refuse what contradicts itself."""
    if not name and (changed or remove):
        raise usage("series.which", "请给出刊物短名", "Give the publication's short name")
    if remove and changed:
        raise usage("series.remove", "撤销刊物时不能修改", "--remove goes with no other change")
    for option, field in (("--name", "name"), ("--organ", "organ")):
        if not str(asked.get(field, "-")).strip():
            raise usage("series.no_name", "名称和编发单位不能为空", "Name and organ must not be empty", option)


async def _there(editor: "Api", path: str) -> Any:
    """Return a publication, None where there is none of that name."""
    try:
        return await editor.get(path)
    except CliError as error:
        if error.code != "series.unknown":
            raise
        return None


def _codes(given: Sequence[str]) -> list[str]:
    return [code for code in given if code]
