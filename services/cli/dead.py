"""``yizhan dead``: what the network could not handle, seen, replayed or dropped by hand (promise 5)."""

from typing import Annotated, Any, Final

import typer

from services.cli.failures import Exit
from services.cli.options import Json, Yes
from services.cli.tree import Tree

tree: Final = Tree(help="死信：查看、重投、删除 / Dead letters: see, replay, drop")
Which = Annotated[
    list[str],
    typer.Argument(metavar="N…", help="列表序号，或 12 位指纹 / Number in the list, or 12-character fingerprint"),
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="最多查看多少件 / How many to look at")]
_HEADINGS: Final = (
    "#", "指纹 / fingerprint", "种类* / kind*", "单位* / origin*", "编号* / id*", "总线用户 / broker user", "出自 / from",
    "原因 / reason", "重投至 / replay to",
)  # fmt: skip
_CLAIMED: Final = "* 发件方自称，未经证实 / * only the sender says so"


@tree.command("list", help="列出死信，不取走 / List them, taking none away")
def list_dead(*, limit: Limit = 1_000, as_json: Json = False) -> int:
    """List dead letters, the oldest first."""
    from services.cli import output, words  # noqa: PLC0415

    found = _letters(limit)
    if as_json:
        output.put_json(found)
    else:
        output.put_table(
            _HEADINGS,
            (
                (
                    e.number, e.fingerprint, words.said(e.kind), e.origin, e.id, e.user, _said(e, "queue"),
                    _said(e, "reason"), e.target_text,
                )
                for e in found
            ),
            title=f"{len(found)} 件 / in all；{_CLAIMED}",
        )  # fmt: skip
    return Exit.GOOD


@tree.command("show", help="查看一件死信的信头 / Show one letter's headers")
def show(which: Annotated[str, typer.Argument(metavar="N", help="序号或指纹 / Number or fingerprint")], *, limit: Limit = 1_000, as_json: Json = False) -> int:  # fmt: skip
    """Show everything but the text."""
    from services.cli import letters, output  # noqa: PLC0415

    found = letters.choose(_letters(limit), [which])[0]
    if as_json:
        output.put_json(found)
    else:
        import msgspec  # noqa: PLC0415

        facts = msgspec.structs.asdict(found) | {"queue": _said(found, "queue"), "reason": _said(found, "reason")}
        output.put_facts((name, value) for name, value in facts.items() if name != "headers")
        output.put_facts((f"  {name}", value) for name, value in found.headers.items())
    return Exit.GOOD


@tree.command("replay", help="重投后移除，不会丢失 / Publish again, then remove; none is lost")
def replay(which: Which, *, limit: Limit = 1_000, as_json: Json = False) -> int:
    """Publish letters again to where they came from; each is removed once the broker has confirmed."""
    return _settle(which, limit, "replayed", as_json=as_json)


@tree.command("drop", help="永久删除 / Remove for good")
def drop(which: Which, *, yes: Yes = False, limit: Limit = 1_000, as_json: Json = False) -> int:
    """Remove letters."""
    from services.cli import credentials  # noqa: PLC0415

    credentials.confirm(f"永久删除死信 {' '.join(which)}？/ Drop these letters for good?", yes=yes)
    return _settle(which, limit, "dropped", as_json=as_json)


def _said(letter: Any, field: str) -> str:
    """Return a field as people read it, starred where only the sender says so."""
    value = getattr(letter, field)
    return f"{value}*" if field in letter.claimed else value


def _letters(limit: int) -> list[Any]:
    from services.cli import broker, client, letters  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    url = broker.operator_url(Place.here())
    found: list[Any] = client.run(lambda: letters.look(url, limit))
    return found


def _settle(which: list[str], limit: int, what: str, *, as_json: bool) -> int:
    from services.cli import broker, client, letters, output, words  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    url = broker.operator_url(Place.here())
    done = client.run(lambda: letters.settle(url, limit, which, replay=what == "replayed"))
    if as_json:
        output.put_json({what: done})
    else:
        rows = ((e.number, e.fingerprint, words.said(e.kind), e.origin, e.id) for e in done)
        output.put_table(_HEADINGS[:5], rows, title=f"{words.said(what)}；{_CLAIMED}")
    return Exit.GOOD
