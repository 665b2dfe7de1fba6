"""``yizhan issue``: a hub's publications and their issues, from the first draft to the final one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from services.cli.adopting import issue_number
from services.cli.asking import ask, put_table
from services.cli.failures import Exit
from services.cli.options import Digest, Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.client import Api

tree: Final = Tree(
    help="刊物与各期：设刊、开期、编入、定版、版式文件 / Publications and issues: from draft to final and printed"
)
Hub = Annotated[str, typer.Argument(metavar="HUB", help="采编单位代码 / The hub")]
IssueId = Annotated[UUID, typer.Argument(metavar="ISSUE", help="一期的编号，见 issue list / The issue, see issue list")]
Series = Annotated[str, typer.Argument(metavar="SERIES", help="刊物短名，如 daily / The publication's short name")]
_HEADINGS: Final = (
    "编号 / id", "刊物 / series", "期 / issue", "总期 / total", "日期 / day", "条 / items", "定版 / final",
)  # fmt: skip


@tree.command("series", help="列出刊物，或设立、修改一种 / List publications, or set one up")
def series(
    hub: Hub,
    name: Annotated[str, typer.Argument(metavar="[SERIES]", help="刊物短名 / Its short name")] = "",
    *,
    title: Annotated[str, typer.Option("--name", metavar="NAME", help="刊头名称 / As in the red head")] = "",
    organ: Annotated[str, typer.Option(metavar="ORGAN", help="编发单位 / Who edits it")] = "",
    up: Annotated[list[str] | None, typer.Option(metavar="CODE", help="报：上级读者 / Readers above")] = None,
    down: Annotated[list[str] | None, typer.Option(metavar="CODE", help="发：下级读者 / Readers below")] = None,
    across: Annotated[list[str] | None, typer.Option(metavar="CODE", help="送：平级读者 / Readers beside")] = None,
    first: Annotated[int, typer.Option(metavar="N", min=1, help="首期期号 / Number of the first issue")] = 1,
    first_total: Annotated[int, typer.Option(metavar="N", min=1, help="首期总期号 / Its total number")] = 1,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Set a publication up where a name is given, else list them."""
    path = f"/api/v1/nodes/{hub}/series"

    async def work(editor: "Api") -> Any:
        if not name:
            return await editor.get(path)
        readers = {"up": up or [], "down": down or [], "across": across or []}
        body = {"name": title or name, "organ": organ or hub, "readers": readers, "first_number": first, "first_total": first_total}  # fmt: skip
        return [await editor.call("PUT", f"{path}/{_quoted(name)}", body=body)]

    found = ask(hub, person, password_file, gateway, work)
    return put_table(
        found,
        ("刊物 / series", "名称 / name", "编发 / organ", "报 / up", "发 / down", "送 / across"),
        [(s["series"], s["name"], s["organ"], *(s["readers"][way] for way in ("up", "down", "across"))) for s in found],
        as_json=as_json,
    )


@tree.command("open", help="开一期 / Open the next issue, or one with a number")
def open_issue(
    hub: Hub,
    name: Series,
    *,
    number: Annotated[
        str, typer.Option("--issue", metavar="N", help="期号，默认下一期 / Its number, else the next")
    ] = "",
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Open a draft issue."""
    body = {"number": issue_number(number)}
    path = f"/api/v1/nodes/{hub}/series/{_quoted(name)}/issues"
    found = ask(hub, person, password_file, gateway, lambda editor: editor.post(path, body))
    return put_table(found, _HEADINGS, [_line(found)], as_json=as_json)


@tree.command("list", help="列出各期 / List issues, newest first")
def list_issues(
    hub: Hub,
    *,
    name: Annotated[str, typer.Option("--series", metavar="SERIES", help="只看该刊物 / Of this publication only")] = "",
    final: Annotated[
        bool | None, typer.Option("--final/--draft", help="只看定版或草稿 / Final ones or drafts only")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="条数 / How many")] = 20,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """List a hub's issues."""
    path = f"/api/v1/nodes/{hub}/issues"
    found = ask(
        hub, person, password_file, gateway, lambda editor: editor.get(path, series=name, final=final, limit=limit)
    )
    return put_table(found, _HEADINGS, [_line(issue) for issue in found], as_json=as_json)


@tree.command("show", help="查看一期 / Show an issue's items in order")
def show(
    hub: Hub, issue: IssueId, *, person: Person = "editor", password_file: PasswordFile = None, gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Show one issue."""
    found = ask(hub, person, password_file, gateway, lambda editor: editor.get(_path(hub, issue)))
    return _put_items(found, as_json=as_json)


@tree.command("add", help="采用或综合采用，编入一期 / Adopt or merge reports into an issue")
def add(
    hub: Hub,
    issue: IssueId,
    reports: Annotated[list[UUID], typer.Argument(metavar="REPORT…", help="信息报文编号 / Reports, by message")],
    *,
    share: Annotated[
        list[str] | None, typer.Option(metavar="0.5", help="综合采用各条份额，合计为 1 / Share of each, together 1")
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="标题，默认编辑稿 / Title, else as edited")] = "",
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Adopt one report, or merge several."""
    from services.cli import decisions  # noqa: PLC0415

    body = decisions.item(reports, shares=share or []) | ({"title": title} if title else {})

    async def work(editor: "Api") -> Any:
        await editor.post(f"{_path(hub, issue)}/items", body)
        return await editor.get(_path(hub, issue))

    return _put_items(ask(hub, person, password_file, gateway, work), as_json=as_json)


@tree.command("drop", help="取出一条；不给序号则撤销空的草稿期 / Take an item out; without one drop an empty draft")
def drop(
    hub: Hub,
    issue: IssueId,
    item: Annotated[int, typer.Argument(metavar="[N]", min=0, help="第几条 / Which item")] = 0,
    *,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Undo without a trace outside."""

    async def work(editor: "Api") -> Any:
        if not item:
            await editor.call("DELETE", _path(hub, issue))
            return {"dropped": str(issue)}
        await editor.call("DELETE", f"{_path(hub, issue)}/items/{item}")
        return await editor.get(_path(hub, issue))

    found = ask(hub, person, password_file, gateway, work)
    if "items" in found:
        return _put_items(found, as_json=as_json)
    return put_table(found, ("已撤销 / dropped",), [(found["dropped"],)], as_json=as_json)


@tree.command("final", help="定版：送读者，告报送单位 / Make final: readers and origins are told")
def final(
    hub: Hub, issue: IssueId, *, digest: Digest = "", person: Person = "lead", password_file: PasswordFile = None,
    gateway: Gateway = "", as_json: Json = False,
) -> int:  # fmt: skip
    """Make an issue final, as a lead of the hub. Without a digest it is shown first."""
    from services.cli import credentials  # noqa: PLC0415

    async def work(lead: "Api") -> Any:
        seen = digest
        if not seen:
            shown = await lead.get(_path(hub, issue))
            seen = shown["digest"]
            if not as_json:
                _put_items(shown, as_json=False)
                credentials.at_terminal("定版？/ Make it final?")
        return await lead.post(f"{_path(hub, issue)}/final", {"digest": seen})

    return _put_items(ask(hub, person, password_file, gateway, work), as_json=as_json)


@tree.command("tell", help="补发：定版后被拒收的报文 / Say again what the network refused of a final issue")
def tell(
    hub: Hub, issue: IssueId, *, person: Person = "lead", password_file: PasswordFile = None, gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Send what was refused of a final issue again, as a lead of the hub."""
    done = ask(hub, person, password_file, gateway, lambda lead: lead.post(f"{_path(hub, issue)}/tell"))
    return _put_items(done, as_json=as_json)


@tree.command("document", help="版式文件：HTML、DOCX、PDF / The issue as a document")
def document(
    hub: Hub,
    issue: IssueId,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="写入文件；结尾 .html、.docx、.pdf / Where to; its ending says the form")],
    *,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
) -> int:  # fmt: skip
    """Write an issue as HTML, DOCX or PDF."""
    from services.cli.failures import usage  # noqa: PLC0415

    form = out.suffix.removeprefix(".").lower()
    if form not in ("html", "docx", "pdf"):
        raise usage(
            "document.form",
            "文件名应以 .html、.docx 或 .pdf 结尾",
            "The file's name ends in .html, .docx or .pdf",
            out.name,
        )
    path = f"{_path(hub, issue)}/document"
    content: bytes = ask(hub, person, password_file, gateway, lambda editor: editor.download(path, form=form))
    out.write_bytes(content)
    return Exit.GOOD


def _put_items(issue: dict[str, Any], *, as_json: bool) -> int:
    from services.cli import output, words  # noqa: PLC0415

    if not as_json:
        output.put_table(_HEADINGS, [_line(issue)])
        output.put_facts([("摘要 / digest", issue["digest"])])
        if refused := issue["refused"]:
            output.put_facts([("被拒收，可补发 / refused: issue tell", "\n".join(refused))])
    return put_table(
        issue,
        ("#", "结论 / verdict", "标题 / title", "信息、份额 / reports, shares", "采编结果 / decision"),
        [
            (
                item["n"], words.said(item["verdict"]), item["title"],
                "\n".join(f"{r['report']} {r['origin_name']} {r['share']}" for r in item["reports"]), item["decision"],
            )
            for item in issue["items"]
        ],
        as_json=as_json,
    )  # fmt: skip


def _line(issue: dict[str, Any]) -> tuple[Any, ...]:
    from services.cli import output  # noqa: PLC0415

    return (
        issue["id"], issue["series"], issue["issue"], issue["total"], issue["day"], issue["count"],
        output.time_of(issue["final_at"]),
    )  # fmt: skip


def _path(hub: str, issue: UUID) -> str:
    return f"/api/v1/nodes/{hub}/issues/{issue}"


def _quoted(name: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415

    return quote(name, safe="")
