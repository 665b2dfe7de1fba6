"""``yizhan paper``: what a hub's lead approves before it is said (文稿)."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import typer

from services.cli import words
from services.cli.asking import ask, put_facts, put_table
from services.cli.failures import CliError, Exit, not_so, usage
from services.cli.forwarding import Hub, OwnId
from services.cli.options import Digest, Gateway, Json, PasswordFile, Person
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.client import Api

tree: Final = Tree(help="文稿：规则、通报、直报点认定 / Papers: rules, bulletins, designations")
PaperId = Annotated[UUID, typer.Argument(metavar="PAPER", help="文稿编号 / The paper")]


class Kind(StrEnum):
    """Kinds of papers."""

    RULES = "rules"
    BULLETIN = "bulletin"
    DESIGNATION = "designation"


@tree.command("add", help="起草文稿 / Draft a paper")
def add(
    hub: Hub,
    kind: Annotated[Kind, typer.Argument(metavar="rules|bulletin|designation", help="种类 / Kind")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="规则为 TOML，其余为 JSON / Rules: TOML, else JSON")],
    *,
    id: OwnId = None,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Store a draft."""
    body = {"kind": kind, "content": content_of(kind, file), "id": id}
    found = ask(hub, person, password_file, gateway, lambda editor: editor.post(_path(hub), body))
    return _put(found, as_json=as_json)


@tree.command("change", help="修改草稿 / Change a draft")
def change(
    hub: Hub,
    paper: PaperId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="规则为 TOML，其余为 JSON / Rules: TOML, else JSON")],
    *,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Give a draft another text; its kind stays."""

    async def run(editor: "Api") -> Any:
        kind = Kind((await editor.get(_path(hub, paper)))["kind"])
        return await editor.call("PUT", _path(hub, paper), body={"kind": kind, "content": content_of(kind, file)})

    return _put(ask(hub, person, password_file, gateway, run), as_json=as_json)


@tree.command("drop", help="删除草稿 / Throw a draft away")
def drop(
    hub: Hub,
    paper: PaperId,
    *,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
) -> int:
    """Throw a draft away; what is approved stands."""
    from services.cli import output  # noqa: PLC0415

    ask(hub, person, password_file, gateway, lambda editor: editor.call("DELETE", _path(hub, paper)))
    output.say(f"已删除文稿 {paper} / Paper {paper} is thrown away")
    return Exit.GOOD


@tree.command("list", help="列出文稿 / List papers")
def list_papers(
    hub: Hub,
    *,
    kind: Annotated[Kind | None, typer.Option(metavar="KIND", help="只看此种类 / Only this kind")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="只看草稿 / Only drafts")] = False,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """List a hub's papers, newest first."""
    from services.cli import output  # noqa: PLC0415

    state = "draft" if draft else None
    found = ask(
        hub, person, password_file, gateway, lambda editor: editor.get(_path(hub), kind=kind, state=state, limit=200)
    )
    rows = (
        (
            one["id"],
            words.said(one["kind"]),
            one["subject"],
            words.said(one["state"]),
            one["author"],
            one["approver"],
            output.time_of(one["updated_at"]),
        )
        for one in found
    )
    headings = (
        "编号 / id",
        "种类 / kind",
        "事由 / subject",
        "状态 / state",
        "起草 / author",
        "签发 / approver",
        "更新 / updated",
    )
    return put_table(found, headings, rows, as_json=as_json)


@tree.command("show", help="查看文稿，或写成版式文件 / Show a paper, or write it as a document")
def show(
    hub: Hub,
    paper: PaperId,
    *,
    document: Annotated[
        Path | None, typer.Option(metavar="FILE", help="通报写入 .html、.docx 或 .pdf / Write a bulletin there")
    ] = None,
    person: Person = "editor",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Show a paper with its text, or write a bulletin as HTML, DOCX or PDF."""
    if document is not None:
        form = document.suffix.removeprefix(".")
        path = f"{_path(hub, paper)}/document"
        document.write_bytes(ask(hub, person, password_file, gateway, lambda lead: lead.download(path, form=form)))
        return Exit.GOOD
    found = ask(hub, person, password_file, gateway, lambda editor: editor.get(_path(hub, paper)))
    return _put(found, as_json=True) if as_json else _put_whole(found)


@tree.command("approve", help="签发文稿，随即发出 / Approve a paper, which sends it")
def approve(
    hub: Hub,
    paper: PaperId,
    *,
    digest: Digest = "",
    person: Person = "lead",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Sign a paper with the lead's own key; whoever drafted it cannot. Without a digest it is shown first."""
    from services.cli import client, credentials, work  # noqa: PLC0415

    password = credentials.secret_of(password_file, zh=f"{hub} {person} 的口令", en=f"password of {person} at {hub}")

    async def sign() -> Any:
        async with client.signed_in(work.gateway_url(gateway), hub, person, password) as lead:
            found, seen = await lead.get(_path(hub, paper)), digest
            if (found["state"], found["author"]) == ("draft", person):
                raise own_paper(hub, found)
            if not seen:
                seen = found["digest"]
                if not as_json:
                    _put_whole(found)
                    credentials.at_terminal("签发此文稿？/ Approve this paper?")
            return await approved(lead, hub, paper, password, seen)

    return _put(client.run(sign), as_json=as_json)


async def approved(lead: "Api", hub: str, paper: UUID | str, password: str, digest: str) -> Any:
    """Approve a paper as a lead who is signed in, as it was shown with this digest."""
    return await lead.post(f"{_path(hub, paper)}/approve", {"passphrase": password, "digest": digest})


def own_paper(hub: str, paper: dict[str, Any]) -> CliError:
    """Say that whoever drafted a paper cannot approve it, and what to do about it."""
    return not_so(
        "paper.own",
        f"文稿由 {paper['author']} 起草，起草人不能签发；可删除后由他人另行起草",
        f"{paper['author']} drafted this paper and cannot approve it; throw it away and let somebody else draft it",
        f"yizhan paper drop {hub} {paper['id']}",
    )


def say_saved(hub: str, paper: dict[str, Any]) -> None:
    """Say as which paper a draft is kept, who drafted it, and what comes next."""
    from services.cli import output  # noqa: PLC0415

    name, author = paper["id"], paper["author"]
    if paper["state"] == "approved":
        output.say(f"文稿 {name} 此前已签发 / Paper {name} was approved already")
        return
    output.say(f"已存为文稿 {name}，由 {author} 起草 / Kept as paper {name}, drafted by {author}")
    output.say(f"由 {author} 以外的人签发 / To be approved by somebody else: yizhan paper approve {hub} {name}")
    output.say(f"或删除 / Or to be thrown away: yizhan paper drop {hub} {name}")


def save(kind: Kind, hub: str, content: Any, person: str, password_file: Path | None, gateway: str) -> dict[str, Any]:
    """Hand a draft to the hub's gateway and return the paper; the same draft again finds itself."""
    body = paper_of(kind, hub, content)
    found: dict[str, Any] = ask(hub, person, password_file, gateway, lambda editor: editor.post(_path(hub), body))
    return found


def content_of(kind: Kind, file: Path) -> Any:
    """Return a paper's content as the gateway takes it: the file's text for rules, else its JSON."""
    import msgspec  # noqa: PLC0415

    try:
        text = file.read_bytes().decode("utf-8-sig")
        return text if kind is Kind.RULES else msgspec.json.decode(text)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise usage(
            "paper.unreadable", "文稿文件有误", "The file is no such paper", f"{file}: {type(error).__name__}"
        ) from error


def paper_of(kind: Kind, hub: str, content: Any) -> dict[str, Any]:
    """Return a paper of a hub as the gateway takes it; the same content is the same paper."""
    import msgspec  # noqa: PLC0415

    text = content if isinstance(content, str) else msgspec.json.encode(content).decode()
    return {"kind": kind, "content": content, "id": uuid5(NAMESPACE_URL, f"urn:yizhan:{kind}:{hub}:{text}")}


def _path(hub: str, paper: UUID | str = "") -> str:
    return f"/api/v1/nodes/{hub}/papers" + (f"/{paper}" if paper else "")


def _put_whole(found: dict[str, Any]) -> int:
    """Show a paper with what it says."""
    from services.cli import paper_text  # noqa: PLC0415

    _put(found, as_json=False)
    paper_text.put(found["kind"], found["content"], paper_text.names_here())
    return Exit.GOOD


def _put(found: dict[str, Any], *, as_json: bool) -> int:
    facts = (
        ("编号 / id", found["id"]), ("种类 / kind", words.said(found["kind"])), ("事由 / subject", found["subject"]),
        ("状态 / state", words.said(found["state"])), ("起草 / author", found["author"]), ("签发 / approver", found["approver"]),
        ("报文 / message", found["message"]), ("摘要 / digest", found["digest"]),
    )  # fmt: skip
    return put_facts(found, facts, as_json=as_json)
