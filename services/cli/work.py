"""A unit's work: hand in reports, import drafts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from services.cli.failures import CliError, Exit, not_so, usage
from services.cli.options import Gateway, Json, NodeCode, PasswordFile, Person
from services.cli.tree import Tree

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from services.cli.client import Api

_PANEL: Final = "信息 / Reports"
_LINES_AT_ONCE: Final = 1_000
_BYTES_AT_ONCE: Final = 3_000_000


def add_to(tree: Tree) -> None:
    """Add the commands."""
    for name, command, help_text in (
        ("submit", submit, "新建信息并送审，或签发报送 / Draft and submit, or send, a report"),
        ("import", import_drafts, "批量导入草稿（JSONL）/ Import drafts (JSONL)"),
    ):
        tree.command(name, rich_help_panel=_PANEL, help=help_text)(command)


def submit(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="信息内容，JSON 或 TOML；- 为标准输入 / Content; - is stdin")
    ],
    *,
    node: NodeCode = "",
    person: Person = "",
    password_file: PasswordFile = None,
    about: Annotated[
        UUID | None, typer.Option(metavar="ID", help="续报、终报、更正所续的报文 / The report that this one continues")
    ] = None,
    id: Annotated[
        UUID | None, typer.Option(metavar="UUID", help="自定编号，重试不会重复 / Own id: trying again makes no second")
    ] = None,
    sign_as: Annotated[
        str, typer.Option(metavar="PERSON", help="由其审核并签发，随即报送 / Reviewed and approved by, then sent")
    ] = "",
    sign_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="审核人口令文件 / Reviewer's password file")
    ] = None,
    approve_as: Annotated[
        str,
        typer.Option(metavar="PERSON", help="签发人，默认即审核人；重要信息须本级领导 / Approver, else the reviewer"),
    ] = "",
    approve_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="签发人口令文件 / Approver's password file")
    ] = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Draft and submit; with ``sign_as`` also review, approve and send. An item that is there goes on where it stands."""
    from services.cli import client, content, output, walking, words  # noqa: PLC0415
    from services.kit.ids import new_id  # noqa: PLC0415

    if approve_as and not sign_as:
        raise usage("submit.sign_as", "--approve-as 须与 --sign-as 同用", "--approve-as needs --sign-as")
    report, named = content.read(file)
    body = {"content": report, "about": about or named, "id": id or new_id()}
    base = gateway_url(gateway)
    open_writer = member_of(base, node, person, password_file)
    signers = signers_of(sign_as, sign_password_file, approve_as, approve_password_file)

    async def walk() -> Any:
        async with open_writer as writer:
            code = node or (await writer.get("/api/v1/me"))["node"]
            path = f"/api/v1/nodes/{code}/items"
            item = f"{path}/{body['id']}"
            state = await _state_of(writer, item) if id else None
            if state is None:
                state = (await writer.post(path, body))["state"]
            if not id:  # before anything else can fail: with it one can go on
                output.say(f"编号 / item {body['id']}")

            async def take(step: str) -> Any:
                if step not in signers:
                    return await writer.post(f"{item}/steps", {"step": step})
                name, password = signers[step]
                async with client.signed_in(base, code, name, password) as signer:
                    return await signer.post(f"{item}/steps", {"step": step, "passphrase": password})

            if await walking.walk_on(state, walking.STEPS if signers else walking.STEPS[:1], take) == "returned":
                raise not_so("item.returned", "已退回，修改后再报", "Returned: change it first", str(body["id"]))
            return await writer.get(item)

    view = client.run(walk)
    done = {"item": str(body["id"]), "message": view["message"], "state": view["state"]}
    if as_json:
        output.put_json(done)
    else:
        facts = [
            ("状态 / state", words.said(done["state"])),
            ("报文（供 trail 等）/ message, for trail", done["message"]),
        ]
        output.put_facts([("编号 / item", done["item"]), *facts] if id else facts)  # else it was said above
    return Exit.GOOD


def import_drafts(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl", help="每行一条信息内容，可带 id / One content a line, with an id if you like"
        ),
    ],
    *,
    node: NodeCode = "",
    person: Person = "",
    password_file: PasswordFile = None,
    gateway: Gateway = "",
    as_json: Json = False,
) -> int:
    """Import drafts; each line is taken, known from before or refused for itself."""
    from services.cli import client, output, words  # noqa: PLC0415

    lines = file.read_bytes().splitlines()
    if not any(line.strip() for line in lines):
        raise usage("import.empty", "文件里没有信息", "The file holds nothing", str(file))
    open_writer = member_of(gateway_url(gateway), node, person, password_file)

    async def send() -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        async with open_writer as writer:
            code = node or (await writer.get("/api/v1/me"))["node"]
            for start, part in _parts(lines):
                found = await writer.post(f"/api/v1/nodes/{code}/import", b"\n".join(part))
                results += [{**line, "line": line["line"] + start} for line in found]
        return results

    results = client.run(send)
    wrong = [line for line in results if line["code"]]
    known = sum(line["known"] for line in results if not line["code"])
    taken = len(results) - len(wrong) - known
    if as_json:
        output.put_json({"taken": taken, "known": known, "refused": len(wrong), "lines": results})
    else:
        output.put_facts((("已存草稿 / taken", taken), ("原已存有 / known", known), ("被拒 / refused", len(wrong))))
        if wrong:
            rows = ((line["line"], words.said_why(line["code"], line.get("detail", ""))) for line in wrong)
            output.put_table(("行 / line", "原因 / reason"), rows)
    return Exit.NOT_SO if wrong else Exit.GOOD


def member_of(base: str, node: str, person: str, password_file: Path | None) -> "AbstractAsyncContextManager[Api]":
    """Return what opens the gateway as a staff member: by the environment's token, else by signing in."""
    from services.cli import client, credentials  # noqa: PLC0415

    token = credentials.token()
    if token and password_file is None:
        return client.api(base, token)
    if not node or not person:
        raise usage(
            "who.needed",
            f"请给出 --node 和 --person，或设置 {credentials.TOKEN_VARIABLE}",
            f"Give --node and --person, or set {credentials.TOKEN_VARIABLE}",
        )
    password = credentials.secret_of(password_file, zh=f"{node} {person} 的口令", en=f"password of {person} at {node}")
    return client.signed_in(base, node, person, password)


def gateway_url(given: str) -> str:
    """Return the gateway's address."""
    from services.cli.place import Place  # noqa: PLC0415

    return given or Place.here().url("gateway")


async def _state_of(writer: "Api", item: str) -> str | None:
    """Return an item's state, None where there is none yet."""
    try:
        return str((await writer.get(item))["state"])
    except CliError as error:
        if error.code != "item.unknown":
            raise
        return None


def signers_of(
    sign_as: str, sign_file: Path | None, approve_as: str, approve_file: Path | None
) -> dict[str, tuple[str, str]]:
    """Return (person, password) of those who sign, by the step that they take."""
    from services.cli import credentials  # noqa: PLC0415

    if not sign_as:
        return {}

    def ask(person: str, file: Path | None) -> tuple[str, str]:
        return person, credentials.secret_of(file, zh=f"{person} 的口令", en=f"password of {person}")

    reviewer = ask(sign_as, sign_file)
    approver = reviewer if approve_as in ("", sign_as) else ask(approve_as, approve_file)
    return {"review": reviewer, "approve": approver}


def _parts(lines: list[bytes]) -> list[tuple[int, list[bytes]]]:
    """Return (lines before, lines) of requests that the gateway takes."""
    parts: list[tuple[int, list[bytes]]] = []
    size = 0
    for number, line in enumerate(lines):
        if len(line) > _BYTES_AT_ONCE:
            raise not_so("import.line_too_long", "有一行过长", "A line is too long", str(number + 1))
        if not parts or len(parts[-1][1]) >= _LINES_AT_ONCE or size + len(line) > _BYTES_AT_ONCE:
            parts.append((number, []))
            size = 0
        parts[-1][1].append(line)
        size += len(line) + 1
    return parts
