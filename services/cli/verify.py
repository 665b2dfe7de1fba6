"""``yizhan verify``: is a message what it says, from whom it says, signed off as Article 12 asks? Offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli.failures import Exit, not_so, usage
from services.cli.options import Json, Registry, RootFile
from services.cli.tree import Tree

if TYPE_CHECKING:
    from services.cli.verdicts import Verdict

_PANEL: Final = "查阅 / Looking up"


def add_to(tree: Tree) -> None:
    """Add the command."""
    tree.command(
        "verify",
        rich_help_panel=_PANEL,
        help="离线验证签名和签发 / Verify signatures and sign-offs, offline",
    )(verify)


def verify(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="DSSE JSON：一件、数组或每行一件 / One message, a list, or one a line"),
    ],
    *,
    root: RootFile = None,
    registry: Registry = None,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="按此时的密钥状态判断，默认现在 / Judge keys as of then, now by default")
    ] = "",
    as_json: Json = False,
) -> int:
    """Print a verdict for each message; exit with 1 where any fails."""
    from services.cli import moments, output, verdicts  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415
    from services.cli.trust import read_trust  # noqa: PLC0415

    place = Place.here()
    now = moments.parse(at) if at else output.now()
    pieces = verdicts.split(file.read_bytes())
    if not pieces:
        raise usage("verify.empty", "文件里没有报文", "The file holds no message", str(file))
    if len(pieces) > 1 and not any(piece.lstrip().startswith(b"{") for piece in pieces):
        raise not_so("verify.no_messages", "这不是报文文件", "This is no file of messages", str(file))
    trust = read_trust(root or place.pinned, registry or place.registry)
    found = [verdicts.judge(trust, piece, now) for piece in pieces]
    good = all(verdict.ok for verdict in found)
    if as_json:
        output.put_json(
            {
                "verified": good,
                "at": now,
                "directory_version": trust.state.directory.version,
                "registry_problems": trust.problems,
                "messages": found,
            }
        )
    else:
        for problem in trust.problems:
            output.say(f"yizhan: {problem.file}: {problem.code}")
        _put_table(found)
    return Exit.GOOD if good else Exit.NOT_SO


def _put_table(found: "list[Verdict]") -> None:
    from rich.text import Text  # noqa: PLC0415

    from services.cli import output, words  # noqa: PLC0415

    def row(number: int, verdict: "Verdict") -> tuple[Any, ...]:
        mark = Text("✔ 有效 / valid", style="green") if verdict.ok else Text("✘ 无效 / invalid", style="red")
        if verdict.ok and verdict.code:
            mark = Text("✔ 曾有效 / was valid", style="yellow")
        why = " / ".join(part for part in (verdict.zh, verdict.en) if part)
        code = f"{why} [{verdict.code}] {verdict.detail}".strip() if verdict.code else ""
        return (
            number,
            mark,
            words.said(verdict.kind),
            verdict.origin,
            verdict.id,
            verdict.sent_at,
            verdict.signed_off_by,
            code,
        )

    output.put_table(
        (
            "#",
            "结论 / verdict",
            "种类 / kind",
            "单位 / origin",
            "编号 / id",
            "发送 / sent",
            "签发 / signed off",
            "原因 / why",
        ),
        (row(number, verdict) for number, verdict in enumerate(found, 1)),
    )
