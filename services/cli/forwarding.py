"""``yizhan forward`` and ``select``: sending reports on to a higher level."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from services.cli import words
from services.cli.asking import ask, put_facts
from services.cli.failures import usage
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.client import Api

_PANEL: Final = "采编 / Editing"
Hub = Annotated[str, typer.Argument(metavar="HUB", help="采编单位代码 / The hub")]
Shares = Annotated[
    list[str] | None, typer.Option("--share", metavar="0.5", help="各条份额，合计为 1 / Share of each, together 1")
]
OwnId = Annotated[
    UUID | None, typer.Option("--id", metavar="UUID", help="自定编号，重试不会重复 / Own id: trying again makes no second")
]  # fmt: skip


def add_to(tree: Tree) -> None:
    """Add the commands."""
    for name, command, help_text in (
        ("forward", forward, "转报下级信息，原件随附 / Send reports on, the originals inside"),
        ("select", select, "上报国办，或登记国办采用 / Select for the national level, or record its outcome"),
    ):
        tree.command(name, rich_help_panel=_PANEL, help=help_text)(command)


def forward(
    hub: Hub,
    reports: Annotated[list[UUID], typer.Argument(metavar="REPORT…", help="原件的报文编号 / Originals, by message")],
    *,
    share: Shares = None,
    content: Annotated[
        str, typer.Option(metavar="FILE", help="综合正文，JSON 或 TOML；单条默认原文 / Merged text; one goes as it is")
    ] = "",
    about: Annotated[
        UUID | None, typer.Option(metavar="ID", help="所续的本单位报文 / The hub's report that this one continues")
    ] = None,
    id: OwnId = None,
    sign_as: Annotated[
        str, typer.Option(metavar="PERSON", help="由其审核并签发，随即报送 / Reviewed and approved by, then sent")
    ] = "",
    sign_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="审核人口令文件 / Reviewer's password file")
    ] = None,
    approve_as: Annotated[
        str, typer.Option(metavar="PERSON", help="签发人，默认即审核人 / Approver, else the reviewer")
    ] = "",
    approve_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="签发人口令文件 / Approver's password file")
    ] = None,
    person: Person = "officer",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Draft a report with the originals inside and submit it; with ``sign_as`` also review, approve and send."""
    from services.cli import client, decisions, walking, work  # noqa: PLC0415
    from services.cli import content as contents  # noqa: PLC0415

    if approve_as and not sign_as:
        raise usage("submit.sign_as", "--approve-as 须与 --sign-as 同用", "--approve-as needs --sign-as")
    text, named = contents.read(content) if content else (None, None)
    body = {
        "reports": decisions.item(reports, shares=share or [])["items"], "content": text, "about": about or named, "id": id,
    }  # fmt: skip
    signers = work.signers_of(sign_as, sign_password_file, approve_as, approve_password_file)
    base = work.gateway_url(gateway)

    async def send_on(writer: "Api") -> Any:
        made = await writer.post(f"/api/v1/nodes/{hub}/forwards", body)
        item = f"/api/v1/nodes/{hub}/items/{made['item']}"

        async def take(step: str) -> Any:
            if step not in signers:
                return await writer.post(f"{item}/steps", {"step": step})
            name, password = signers[step]
            async with client.signed_in(base, hub, name, password) as signer:
                return await signer.post(f"{item}/steps", {"step": step, "passphrase": password})

        await walking.walk_on(made["state"], walking.STEPS if signers else walking.STEPS[:1], take)
        return await writer.get(item)

    found = ask(hub, person, password_file, gateway, send_on)
    facts = (("编号 / item", found["id"]), ("状态 / state", words.said(found["state"])), ("报文 / message", found["message"]),
             ("原件 / originals", [one["report"] for one in found["forwards"]]))  # fmt: skip
    return put_facts(found, facts, as_json=as_json)


def select(
    hub: Hub,
    reports: Annotated[
        list[UUID] | None, typer.Argument(metavar="REPORT…", help="信息报文编号 / Reports, by message")
    ] = None,
    *,
    share: Shares = None,
    outcome: Annotated[
        UUID | None, typer.Option(metavar="DECISION", help="登记该项选送的采用结果 / Record this selection's outcome")
    ] = None,
    series: Annotated[str, typer.Option(metavar="SERIES", help="国办刊物 / National publication")] = "",
    issue: Annotated[str, typer.Option(metavar="ISSUE", help="期号 / Issue")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="说明 / Reason")] = "",
    id: OwnId = None,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Select reports for the national level, or record what it adopted of a selection."""
    from services.cli import decisions  # noqa: PLC0415

    path = f"/api/v1/nodes/{hub}/selections"
    body: dict[str, Any] = {"reason": reason, "id": id}
    if outcome is None:
        if not reports or series or issue:
            raise usage(
                "selection.what", "请给出信息编号；刊物期号用于 --outcome", "Name reports; an issue goes with --outcome"
            )
        body |= {"items": decisions.item(reports, shares=share or [])["items"], "level": "national"}
    elif reports or share or not series or not issue:
        raise usage(
            "selection.outcome", "登记结果须注明 --series 和 --issue", "An outcome needs --series and --issue alone"
        )
    else:
        path, body["publication"] = f"{path}/{outcome}/outcome", {"series": series, "issue": issue}
    done = ask(hub, person, password_file, gateway, lambda editor: editor.post(path, body))
    return put_facts(done, (("采编结果 / decision", done["message"]),), as_json=as_json)
