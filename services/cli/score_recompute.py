"""``yizhan score recompute``: the ledger followed anew from signed messages, and held against the one that is kept (复算)."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from services.cli.failures import Exit, not_so, usage
from services.cli.options import Archive, Gateway, Json, PasswordFile, Person, Registry, RootFile, Scoring
from services.cli.tree import Tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proto.envelope import Envelope
    from services.cli.recomputing import Outcome
    from services.scoring.domain.recompute import Recomputing

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def add_to(tree: Tree) -> None:
    """Add the command."""
    tree.command(
        "recompute", help="复算：由签名报文重算台账，逐条核对 / Follow the ledger anew from signed messages and compare"
    )(recompute)


def recompute(
    *,
    hub: Annotated[
        str, typer.Option(metavar="CODE", help="核对该上级办公室的台账 / The hub whose ledger is checked")
    ] = "",
    month: Annotated[
        str, typer.Option(metavar="YYYY-MM", help="只核对该月，默认全部 / Of this month only, else all")
    ] = "",
    node: Annotated[
        str,
        typer.Option(
            metavar="CODE", help="用该单位收发的报文，核对与其有关的 / From what a unit holds, what concerns it"
        ),
    ] = "",
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE.jsonl", help="用导出的报文，每行一件 / From exported messages, one a line"
        ),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="另存所读报文 / Keep the messages that were read")
    ] = None,
    person: Person = "officer",
    password_file: PasswordFile = None,
    root: RootFile = None,
    registry: Registry = None,
    archive: Archive = "",
    gateway: Gateway = "",
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Compare entry by entry; exit with 1 where anything differs, and name it.

    The messages are the archive's, or what ``node`` sent and received, or those of a file. They are read a page at a time;
    of each only what the ledger rests on is kept.
    """
    from services.cli import client, credentials, exported, recomputing  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415
    from services.cli.trust import read_trust  # noqa: PLC0415
    from services.cli.work import gateway_url, member_of  # noqa: PLC0415
    from services.scoring.domain.recompute import CONCERNING, Recomputing  # noqa: PLC0415

    if not hub and not node:
        raise usage("recompute.whose", "请给出 --hub 或 --node", "Give --hub or --node")
    if month and not _MONTH.fullmatch(month):
        raise usage("month.invalid", "月份格式有误", "Not a month", "YYYY-MM")
    if source and keep:
        raise usage("recompute.keep", "--keep 不能与 --from 同用", "--keep is not for --from")
    place = Place.here()
    state = read_trust(root or place.pinned, registry or place.registry).state
    if hub and state.node(hub) is None:
        raise not_so("hub.unknown", "名录中没有该上级办公室", "There is no such hub in the directory", hub)
    token = credentials.reading_token(place)
    reader = (node or hub) if credentials.token() else ""  # the operator reads all
    asked = recomputing.Asked(hub=hub, unit="" if node == hub else node, month=month, reader=reader)
    taken = Recomputing(state, hub)
    member = member_of(gateway_url(gateway), node, person, password_file) if node and not source else None

    async def run() -> "Outcome":
        if source is not None:
            count = await _take(taken, exported.lines(source), keep)
        elif member is not None:
            async with member as api:
                held = exported.pages(api, f"/api/v1/nodes/{node}/messages", CONCERNING)
                count = await _take(taken, held, keep)
        else:
            async with client.api(archive or place.url("archive"), token) as api:
                count = await _take(taken, exported.pages(api, "/api/v1/messages", CONCERNING, reader=reader), keep)
        async with client.api(scoring or place.url("scoring"), token) as api:
            kept = await recomputing.kept_of(api, asked)
        return recomputing.compared(taken.result(), kept, asked, count)

    outcome: Outcome = client.run(run)
    _put(outcome, as_json=as_json)
    return Exit.GOOD if outcome.equal else Exit.NOT_SO


async def _take(taken: "Recomputing", messages: "AsyncIterator[Envelope]", keep: Path | None) -> int:
    """Take all messages in, and write them down where asked; return how many there were."""
    from contextlib import nullcontext  # noqa: PLC0415

    count = 0
    with nullcontext() if keep is None else keep.open("wb") as file:
        async for envelope in messages:
            count += 1
            taken.take(envelope.packed())
            if file is not None:
                file.write(envelope.json() + b"\n")
    return count


def _put(outcome: "Outcome", *, as_json: bool) -> None:
    from services.cli import output  # noqa: PLC0415

    if as_json:
        output.put_json(outcome)
        return
    verdict = "逐条相同 / equal, entry by entry" if outcome.equal else "有差异 / they differ"
    ignored = "、".join(f"{reason} {number}" for reason, number in sorted(outcome.ignored.items()))
    facts = (
        ("结论 / verdict", verdict), ("台账 / ledger", outcome.hub), ("单位 / unit", outcome.unit),
        ("月份 / month", outcome.month), ("所读报文 / messages", outcome.messages),
        ("核对条数 / entries", outcome.entries), ("不计报文 / ignored", ignored), ("差异 / differences", len(outcome.differences)),
    )  # fmt: skip
    output.put_facts((name, value) for name, value in facts if value != "")
    if outcome.differences:
        output.put_table(
            ("条目 / entry", "台账 / hub", "月份 / month", "单位 / unit", "报文 / event", "规则 / rule", "差异 / difference"),
            (
                (
                    each.id, entry.hub, entry.month, entry.unit, entry.event, entry.rule,
                    f"{each.zh}\n{each.en}",
                )
                for each in outcome.differences
                for entry in [each.kept or each.recomputed]
                if entry is not None
            ),
        )  # fmt: skip
