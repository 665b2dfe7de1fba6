"""``yizhan adopt``: what an editor makes of reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

import typer

from services.cli.failures import CliError, Exit, not_so, usage
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree
from services.kit.calendar import CHINA

if TYPE_CHECKING:
    from services.cli.client import Api

_PANEL: Final = "采编 / Editing"


def add_to(tree: Tree) -> None:
    """Add the command."""
    help_text = "采用（编入一期）、退改、不采用、冲正 / Adopt into an issue, return, decline, reverse"
    tree.command("adopt", rich_help_panel=_PANEL, help=help_text)(adopt)


def adopt(
    hub: Annotated[str, typer.Argument(metavar="HUB", help="采编单位代码 / The hub that decides")],
    reports: Annotated[
        list[UUID] | None, typer.Argument(metavar="REPORT…", help="信息报文编号 / Reports, by message")
    ] = None,
    *,
    series: Annotated[str, typer.Option(metavar="SERIES", help="刊物 / Publication: daily, special, research…")] = "",
    issue: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="今年第几期，默认最新的草稿期或下一期 / Number in this year, else the newest draft or the next",
        ),
    ] = "",
    share: Annotated[
        list[str] | None, typer.Option(metavar="0.5", help="综合采用各条份额，合计为 1 / Share of each, together 1")
    ] = None,
    final: Annotated[
        bool,
        typer.Option(
            "--final",
            help="随即定版，须分管或本级领导，且该期别无信息 / Make the issue final at once, as a lead; it holds nothing else",
        ),
    ] = False,
    lead: Annotated[str, typer.Option(metavar="PERSON", help="定版的领导 / The lead who makes it final")] = "lead",
    lead_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="领导口令文件 / The lead's password file")
    ] = None,
    decline: Annotated[bool, typer.Option("--decline", help="不采用 / Decline")] = False,
    send_back: Annotated[bool, typer.Option("--return", help="退改 / Return for changes")] = False,
    reverse: Annotated[
        UUID | None, typer.Option(metavar="DECISION", help="冲正该采编结果 / Reverse this decision")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="理由 / Reason")] = "",
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Adopt one report or merge several into an issue; or return, decline or reverse, which is told at once."""
    from services.cli import client, decisions, output, words, work  # noqa: PLC0415

    body = decisions.request(
        reports or [], shares=share or [], series=series, issue=issue, decline=decline, send_back=send_back,
        reverse=reverse, reason=reason,
    )  # fmt: skip
    adopting = body["verdict"] in ("adopted", "merged")
    if final and not adopting:
        raise usage("decision.final", "只有采用才有定版", "Only an issue is made final")
    number = issue_number(issue)
    base = work.gateway_url(gateway)
    open_editor = work.member_of(base, hub, person, password_file)
    open_lead = work.member_of(base, hub, lead, lead_password_file) if final else None
    path = f"/api/v1/nodes/{hub}"

    async def decide() -> Any:
        async with open_editor as editor:
            if not adopting:
                return {"decision": (await editor.post(f"{path}/decisions", body))["message"]}
            draft, added = await _put_in(editor, path, series, number, body, alone=final)
            done = {"issue": draft["id"], "number": draft["issue"], "item": added["n"], "decision": None}
            seen = await _alone(editor, hub, draft, added) if final else ""
        if open_lead is not None:
            async with open_lead as signer:
                issued = await signer.post(f"{path}/issues/{draft['id']}/final", {"digest": seen})
            done["decision"] = next(i["decision"] for i in issued["items"] if i["n"] == added["n"])
        return done

    done = client.run(decide)
    if as_json:
        output.put_json({**done, "verdict": body["verdict"]})
    elif adopting:
        output.put_facts(
            (
                ("刊物、期 / issue", f"{series} {done['number']}  {done['issue']}"), ("第几条 / item", done["item"]),
                ("结论 / verdict", words.said(body["verdict"])), ("采编结果 / decision", done["decision"] or "待定版 / when final"),
            )
        )  # fmt: skip
    else:
        output.put_facts((("采编结果 / decision", done["decision"]), ("结论 / verdict", words.said(body["verdict"]))))
    return Exit.GOOD


async def _put_in(
    editor: "Api", path: str, series: str, number: int | None, item: dict[str, Any], *, alone: bool
) -> tuple[Any, Any]:
    """Put an item into the draft of a number in this year, else the newest draft, else a new issue; return both.

    Where it is to be ``alone``, a draft that holds anything is refused.
    An issue that was opened for an item that is refused is dropped again, so that no number is lost.
    """
    from services.cli import client  # noqa: PLC0415

    drafts = await editor.get(f"{path}/issues", series=series, final=False, limit=200)
    draft = next((d for d in drafts if number is None or (d["number"], d["year"]) == (number, _year())), None)
    if draft is not None and alone and draft["count"]:
        raise _holds_more(path.rpartition("/")[2], draft)
    if draft is not None:
        return draft, await editor.post(f"{path}/issues/{draft['id']}/items", item)
    opened = await editor.post(f"{path}/series/{quote(series, safe='')}/issues", {"number": number})
    try:
        return opened, await editor.post(f"{path}/issues/{opened['id']}/items", item)
    except CliError:
        await client.quietly(editor.call("DELETE", f"{path}/issues/{opened['id']}"))
        raise


async def _alone(editor: "Api", hub: str, draft: dict[str, Any], added: dict[str, Any]) -> str:
    """Return the digest of a draft that holds nothing but one item; else take that out again and refuse."""
    path = f"/api/v1/nodes/{hub}/issues/{draft['id']}"
    shown = await editor.get(path)
    if [item["id"] for item in shown["items"]] == [added["id"]]:
        return str(shown["digest"])
    await editor.call("DELETE", f"{path}/items/{added['n']}")  # somebody else put one in meanwhile
    raise _holds_more(hub, draft)


def _holds_more(hub: str, draft: dict[str, Any]) -> CliError:
    """An issue with other items is looked at as a whole before it is made final."""
    label = f"{draft['series']} {draft['issue']}"
    return not_so(
        "adopt.issue_holds_more",
        f"{label} 的草稿另有信息，不能随即定版：请不带 --final 编入，看过全期后再定版",
        f"The draft of {label} holds other items: adopt without --final, then look at the whole issue and make it final",
        f"yizhan issue final {hub} {draft['id']}",
    )


def issue_number(text: str) -> int | None:
    """Return the number of an issue as typed, None where nothing was."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:7]) <= 1_000_000):  # noqa: PLR2004 - the gateway's bound
        raise usage("issue.number", "期号应为正整数", "An issue's number is a positive whole number", text)
    return int(text)


def _year() -> int:
    from datetime import datetime  # noqa: PLC0415

    return datetime.now(CHINA).year
