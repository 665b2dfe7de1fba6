"""Looking things up: the way of a message, search, export."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from services.cli import asking
from services.cli.failures import CliError, Exit
from services.cli.options import Archive, Json, Reader
from services.cli.tree import Tree

if TYPE_CHECKING:
    from rich.text import Text

_PANEL: Final = "查阅 / Looking up"
_DEFAULT_READER: Final = "320000"  # the province's office, where nobody says as whom
_DAY: Final = ["%Y-%m-%d"]
MessageId = Annotated[UUID, typer.Argument(metavar="ID", help="报文编号，不是草稿编号 / Message, not item")]


def add_to(tree: Tree) -> None:
    """Add the commands."""
    for name, command, help_text in (
        ("search", search, "检索资源库 / Search the repository"),
        ("trail", trail, "报文流转轨迹 / The way of a message"),
        ("export", export, "导出报文，可离线验证 / Export a message as DSSE JSON"),
    ):
        tree.command(name, rich_help_panel=_PANEL, help=help_text)(command)


def trail(id: MessageId, *, reader: Reader = _DEFAULT_READER, archive: Archive = "", as_json: Json = False) -> int:
    """Show what happened to a message, each step proven anew."""
    from services.cli import output, words  # noqa: PLC0415

    try:
        found = asking.ask_service(archive, "archive", f"/api/v1/trail/{id}", reader=reader)
    except CliError as error:
        if error.code == "not_found":
            error.detail = "请用 submit 的「报文」编号 / take the id that submit calls message, not that of the item"
        raise
    if as_json:
        output.put_json(found)
        return Exit.GOOD
    output.put_facts(
        (
            ("报文 / message", found["id"]), ("单位 / origin", found["origin"]), ("摘要 / SHA-256", found["digest"]),
            ("入库 / stored", output.time_of(found["stored_at"])), ("拒收 / refused", found["refused"]),
        )
    )  # fmt: skip
    output.put_table(
        ("时间 / at", "事项 / what", "单位 / by", "人员 / person", "说明 / detail", "验证 / verified"),
        (
            (
                output.time_of(step["at"]), words.said(step["what"]), step["by"],
                " ".join(part for part in (step["person"], step["role"]) if part), step["detail"],
                _verdict(step["verified"], step["problem"]),
            )
            for step in found["steps"]
        ),
    )  # fmt: skip
    return Exit.GOOD


def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS…", help='检索词；"短语"；-排除 / Words, "a phrase", -excluded')
    ] = None,
    *,
    reader: Reader = _DEFAULT_READER,
    unit: Annotated[
        str, typer.Option(metavar="CODE", help="单位，或地区及其下属 / A unit, or an area with all under it")
    ] = "",
    category: Annotated[str, typer.Option(metavar="CATEGORY", help="分类 / Category, e.g. experience")] = "",
    adopted: Annotated[bool | None, typer.Option("--adopted/--not-adopted", help="是否已采用 / Adopted or not")] = None,
    from_day: Annotated[
        datetime | None, typer.Option("--from", metavar="DAY", formats=_DAY, help="起始日 / From this day on")
    ] = None,
    to_day: Annotated[
        datetime | None, typer.Option("--to", metavar="DAY", formats=_DAY, help="截止日 / Up to this day")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="条数 / How many")] = 20,
    newest: Annotated[
        bool, typer.Option("--newest", help="按时间排序 / Newest first, instead of by relevance")
    ] = False,
    archive: Archive = "",
    as_json: Json = False,
) -> int:
    """Search reports that the reader may see."""
    from services.cli import output  # noqa: PLC0415

    found = asking.ask_service(
        archive, "archive", "/api/v1/search", reader=reader, q=_query(words or []), origin=unit, category=category,
        adopted=adopted, **{"from": from_day and from_day.date(), "to": to_day and to_day.date()}, limit=limit,
        order="newest" if newest else "relevance",
    )  # fmt: skip
    if as_json:
        output.put_json(found)
        return Exit.GOOD
    output.put_table(
        ("编号 / id", "单位 / unit", "报送 / sent", "采用 / adopted", "标题、摘要 / title, snippet"),
        (
            (
                hit["id"], hit["origin"], output.time_of(hit["sent_at"]), hit["adopted"],
                _marked(hit["title"]).append("\n").append_text(_marked(hit["snippet"])),
            )
            for hit in found["hits"]
        ),
        title=f"共 {found['total']} 条 / {found['total']} in all",
    )  # fmt: skip
    return Exit.GOOD


def export(
    id: MessageId,
    *,
    reader: Reader = _DEFAULT_READER,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="写入文件，默认标准输出 / File, else stdout")
    ] = None,
    archive: Archive = "",
) -> int:
    """Write a message's envelope as DSSE JSON."""
    from services.cli import output  # noqa: PLC0415

    found = asking.ask_service(archive, "archive", f"/api/v1/messages/{id}", reader=reader)
    if out is None:
        output.put_json(found)
    else:
        import msgspec  # noqa: PLC0415

        out.write_bytes(msgspec.json.encode(found) + b"\n")
    return Exit.GOOD


def _query(words: list[str]) -> str:
    """Return the search text; a word with a space in it was quoted in the shell, so it is a phrase."""
    return " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in words)


def _marked(pieces: list[dict[str, Any]]) -> "Text":
    from rich.text import Text  # noqa: PLC0415

    from services.cli import output  # noqa: PLC0415

    text = Text()
    for piece in pieces:
        text.append(output.clean(piece["text"]).replace("\n", " "), style="bold reverse" if piece["hit"] else "")
    return text


def _verdict(good: bool, problem: str | None) -> "Text":  # noqa: FBT001 - a cell's value
    from rich.text import Text  # noqa: PLC0415

    return Text("✔", style="green") if good else Text(f"✘ {problem}", style="red")
