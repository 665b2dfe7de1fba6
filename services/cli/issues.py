"""``yizhan issue``: a hub's publications and their issues, from the first draft to the final one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from services.cli import series
from services.cli.adopting import issue_number
from services.cli.asking import ask, put_table
from services.cli.failures import Exit
from services.cli.forwarding import Hub
from services.cli.options import Digest, Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.client import Api

tree: Final = Tree(
    help="刊物与各期：设刊、开期、编入、定版、版式文件 / Publications and issues: from draft to final and printed"
)
series.add_to(tree)
IssueId = Annotated[UUID, typer.Argument(metavar="ISSUE", help="一期的编号，见 issue list / The issue, see issue list")]
_WIDEST: Final = 120  # columns
_INDENT: Final = "    "
Series = Annotated[str, typer.Argument(metavar="SERIES", help="刊物短名，如 daily / The publication's short name")]
_HEADINGS: Final = (
    "编号 / id", "刊物 / series", "期 / issue", "总期 / total", "日期 / day", "条 / items", "定版 / final",
)  # fmt: skip


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
    return put_table(found, _HEADINGS, [_line(found)], widest=_WIDEST, as_json=as_json)


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
    return put_table(found, _HEADINGS, [_line(issue) for issue in found], widest=_WIDEST, as_json=as_json)


@tree.command("show", help="查看一期：读者、各条正文 / Show an issue: its readers, its items with their texts")
def show(
    hub: Hub, issue: IssueId, *, person: Person = "editor", password_file: PasswordFile = None, gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Show one issue."""
    found = ask(hub, person, password_file, gateway, lambda editor: editor.get(_path(hub, issue)))
    return _put_issue(found, whole=True, as_json=as_json)


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

    return _put_issue(ask(hub, person, password_file, gateway, work), as_json=as_json)


@tree.command("order", help="调整顺序：列出全部序号 / Put the items into an order: all their numbers")
def order(
    hub: Hub,
    issue: IssueId,
    items: Annotated[
        list[int], typer.Argument(metavar="N…", min=1, help="各条序号，依新的顺序，如 3 1 2 / As they are to stand: 3 1 2")
    ],
    *,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Put the items of a draft into an order; they keep their numbers."""
    asked = {"items": items}
    path = f"{_path(hub, issue)}/order"
    done = ask(hub, person, password_file, gateway, lambda editor: editor.call("PUT", path, body=asked))
    return _put_issue(done, as_json=as_json)


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
        return _put_issue(found, as_json=as_json)
    return put_table(found, ("已撤销 / dropped",), [(found["dropped"],)], as_json=as_json)


@tree.command("final", help="定版：送读者，告报送单位 / Make final: readers and origins are told")
def final(
    hub: Hub, issue: IssueId, *, digest: Digest = "", person: Person = "lead", password_file: PasswordFile = None,
    gateway: Gateway = "", as_json: Json = False,
) -> int:  # fmt: skip
    """Make an issue final, as a lead of the hub. Without a digest all that goes out is shown first."""
    from services.cli import credentials  # noqa: PLC0415

    async def work(lead: "Api") -> Any:
        seen = digest
        if not seen:
            shown = await lead.get(_path(hub, issue))
            seen = shown["digest"]
            if not as_json:
                _put_issue(shown, whole=True, as_json=False)
                credentials.at_terminal("定版？/ Make it final?")
        return await lead.post(f"{_path(hub, issue)}/final", {"digest": seen})

    return _put_issue(ask(hub, person, password_file, gateway, work), as_json=as_json)


@tree.command("tell", help="补发：定版后被拒收的报文 / Say again what the network refused of a final issue")
def tell(
    hub: Hub, issue: IssueId, *, person: Person = "lead", password_file: PasswordFile = None, gateway: Gateway = "",
    as_json: Json = False,
) -> int:  # fmt: skip
    """Send what was refused of a final issue again, as a lead of the hub."""
    done = ask(hub, person, password_file, gateway, lambda lead: lead.post(f"{_path(hub, issue)}/tell"))
    return _put_issue(done, as_json=as_json)


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


def _put_issue(issue: dict[str, Any], *, whole: bool = False, as_json: bool) -> int:
    """Show an issue and its items, ``whole`` with their texts."""
    from services.cli import output, words  # noqa: PLC0415

    if as_json:
        output.put_json(issue)
        return Exit.GOOD
    names = issue["names"]
    readers = (("报 / up", "up"), ("送 / across", "across"), ("发 / down", "down"))
    final = " ".join((output.shown(output.time_of(issue["final_at"])), issue["final_by"] or "")).strip()
    facts = [
        ("刊物 / publication", f"{issue['name']} ({issue['series']})"), ("编发 / organ", issue["organ"]),
        ("期 / issue", f"{issue['issue']}，总第 {issue['total']} 期 / {issue['total']} in all，{issue['day']}"),
        ("编号 / id", issue["id"]), *((label, [names[code] for code in issue[way]] or "无 / none") for label, way in readers),
        ("条 / items", issue["count"]), ("定版 / final", final or "否 / no"), ("摘要 / digest", issue["digest"]),
        ("被拒收，可补发 / refused: issue tell", "\n".join(issue["refused"])),
    ]  # fmt: skip
    output.put_facts([(name, value) for name, value in facts if value != ""], widest=_WIDEST)
    for item in issue["items"]:
        output.put_text(f"\n#{item['n']}  {words.said(item['verdict'])}  {item['title']}")
        for part in item["reports"]:
            output.put_text(f"{part['report']}  {part['share']}  {part['origin_name']}", indent=_INDENT)
        if item["decision"]:
            output.put_text(f"采编结果 / decision {item['decision']}", indent=_INDENT)
        if whole:
            output.put_text(item["body"], indent=_INDENT)
    return Exit.GOOD


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
