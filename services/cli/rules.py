"""``yizhan rules``: checking a hub's point rules and putting them into force (计分规则)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli.asking import ask, put_facts, put_table
from services.cli.failures import not_so, usage
from services.cli.forwarding import Hub
from services.cli.options import Gateway, Json, PasswordFile, Person
from services.cli.papers import Kind, approved, content_of, own_paper, paper_of
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.client import Api
    from services.scoring.domain.rules import RuleSet

tree: Final = Tree(help="计分规则 / Point rules")


@tree.command("check", help="校验规则文件，多个文件一并查重叠 / Check rule files, together for overlaps")
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="一个单位的规则文件 / Rule files of one hub")],
    *,
    as_json: Json = False,
) -> int:
    """Tell whether files can be used as the versions of one hub's rules."""
    from services.scoring.domain.rules import RuleBook, RuleError  # noqa: PLC0415

    read = [_read(file) for file in files]
    try:
        RuleBook(read)
    except RuleError as error:
        raise not_so("rules.invalid", "计分规则有误", "The rule file is wrong", str(error)) from error
    found = [
        {"version": one.version, "title": one.title, "from": one.effective_from, "to": one.effective_to} for one in read
    ]
    headings = ("版本 / version", "名称 / title", "起 / from", "止 / to")
    return put_table(found, headings, (tuple(one.values()) for one in found), as_json=as_json)


@tree.command("publish", help="发布规则：起草并签发 / Publish rules: drafted and approved")
def publish(
    hub: Hub,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="规则文件，TOML / Rule file, TOML")],
    *,
    person: Person = "editor",
    password_file: PasswordFile = None,
    approve_as: Annotated[str, typer.Option(metavar="PERSON", help="签发人 / Approver")] = "lead",
    approve_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="签发人口令文件 / Approver's password file")
    ] = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Check, draft and approve; the same file again finds itself published."""
    from services.cli import client, credentials, output, work  # noqa: PLC0415

    if person == approve_as and (password_file is not None or not credentials.token()):
        raise usage("paper.own", "起草人不能签发自己的文稿", "Nobody approves a paper of their own", person)
    _read(file)
    text = content_of(Kind.RULES, file)
    body = paper_of(Kind.RULES, hub, text)
    password = credentials.secret_of(
        approve_password_file, zh=f"{hub} {approve_as} 的口令", en=f"password of {approve_as} at {hub}"
    )

    async def run(editor: "Api") -> Any:
        paper = await editor.post(f"/api/v1/nodes/{hub}/papers", body)
        if paper["state"] == "approved":
            output.say("此文件此前已发布，未再发送 / This file is published already; nothing was sent")
            return paper
        if paper["author"] == approve_as:
            raise own_paper(hub, paper)
        async with client.signed_in(work.gateway_url(gateway), hub, approve_as, password) as lead:
            return await approved(lead, hub, paper["id"], password, paper["digest"])

    found = ask(hub, person, password_file, gateway, run)
    facts = (("版本 / version", found["subject"]), ("签发 / approver", found["approver"]), ("报文 / message", found["message"]))  # fmt: skip
    return put_facts(found, facts, as_json=as_json)


def _read(file: Path) -> "RuleSet":
    from services.scoring.domain.loader import parse  # noqa: PLC0415
    from services.scoring.domain.rules import RuleError  # noqa: PLC0415

    try:
        return parse(content_of(Kind.RULES, file), str(file))
    except RuleError as error:
        raise not_so("rules.invalid", "计分规则有误", "The rule file is wrong", str(error)) from error
