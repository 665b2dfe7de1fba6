"""``yizhan tail``: what passes over the bus, heads only."""

from typing import Annotated, Any, Final

import typer

from services.cli.failures import Exit, usage
from services.cli.tree import Tree

_PANEL: Final = "运维 / Operations"
_NAMED: Final = ("first", "last", "next")


def add_to(tree: Tree) -> None:
    """Add the command."""
    tree.command("tail", rich_help_panel=_PANEL, help="跟踪已受理报文的信头 / Follow accepted messages, heads only")(
        tail
    )


def tail(
    *,
    start: Annotated[
        str,
        typer.Option(
            "--from", metavar="first|last|next|N|TIME", help="从何处读起 / Where to begin: an offset, a time…"
        ),
    ] = "last",
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="只看此种类，可重复 / Only this kind; repeatable")
    ] = None,
    count: Annotated[
        int, typer.Option(min=0, metavar="N", help="看到 N 件即止，0 为不限 / Stop after N; 0 is endless")
    ] = 0,
    wait: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="静默多久即止，0 为不限 / Stop when quiet for so long; 0 is never"),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="每行一个 JSON 文档 / One JSON document a line")] = False,
) -> int:
    """Follow the feed until enough was seen, nothing comes, or Ctrl-C."""
    from proto.messages import KINDS  # noqa: PLC0415
    from services.cli import broker, client, feed, moments  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    unknown = [name for name in kind or [] if name not in KINDS]
    if unknown:
        raise usage("tail.kind", "没有这个种类", "There is no such kind", f"{unknown[0]!r:.40}; {', '.join(KINDS)}")
    offset: Any = start if start in _NAMED else int(start) if start.isdecimal() else moments.parse(start)
    follow = feed.Follow(kinds=frozenset(kind or ()), count=count, quiet=wait, as_json=as_json)
    url = broker.operator_url(Place.here())
    broker.quiet_libraries()
    try:
        client.run(lambda: follow.run(url, offset))
    except KeyboardInterrupt:  # the usual end of an endless command
        return Exit.GOOD
    return Exit.GOOD
