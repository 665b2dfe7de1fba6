"""What a paper says, for whoever is to approve it: tables of a bulletin, facts of a designation, the text of rules."""

import contextlib
from collections.abc import Mapping
from typing import Any

from services.cli import words
from services.cli.failures import CliError
from services.cli.papers import Kind
from services.cli.score_words import OBLIGATIONS


def put(kind: str, content: Any, names: Mapping[str, str]) -> None:
    """Print the content of a paper of a kind; ``names`` of units by their codes."""
    from services.cli import output  # noqa: PLC0415 - commands import what they need when they run

    match kind:
        case Kind.BULLETIN:
            output.put_facts(bulletin_facts(content))
            put_bulletin(content, names)
        case Kind.DESIGNATION:
            output.put_facts(designation_facts(content, names))
        case _:
            output.console().print(output.clean(content))


def bulletin_facts(content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a bulletin says above its tables."""
    return [
        ("种类 / type", words.said(content["type"])), ("期间 / period", content["period"]),
        ("规则 / rules", content["rules"]), ("正文 / text", content["text"]),
    ]  # fmt: skip


def put_bulletin(content: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Print the tables of a bulletin: who is commended, and the units' lines."""
    from services.cli import output  # noqa: PLC0415

    if commended := content.get("commended"):
        headings: tuple[str, ...] = ("单位 / unit", "名称 / name", "个人 / person", "称号 / title")
        output.put_table(
            headings,
            ((one["unit"], names.get(one["unit"], ""), one.get("person", ""), one["title"]) for one in commended),
        )
    if lines := content["lines"]:
        headings = (
            "类别 / class", "名次 / rank", "单位 / unit", "名称 / name", "条数 / items", "积分 / points",
            "更正 / corrections", "本年 / year", "缺报 / missed",
        )  # fmt: skip
        output.put_table(
            headings,
            (
                (
                    words.said(one["unit_class"]), one.get("rank", 0) or "", one["unit"], names.get(one["unit"], ""), one["adopted"],
                    one["points"], one["corrections"], one["year_points"],
                    [OBLIGATIONS.get(code, code) for code in one.get("missed", ())],
                )
                for one in lines
            ),
        )  # fmt: skip


def designation_facts(content: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[str, Any]]:
    """Return what a designation says."""

    def unit(code: str | None) -> str:
        return f"{code} {names.get(code, '')}".strip() if code else ""

    facts = (
        ("单位 / unit", unit(content["unit"])), ("认定 / standing", words.said(content["standing"])),
        ("递补 / replaces", unit(content.get("replaces"))), ("生效 / effective from", content["effective_from"]),
        ("依据 / grounds", content["grounds"]),
    )  # fmt: skip
    return [(name, value) for name, value in facts if value]


def names_here() -> dict[str, str]:
    """Return the names of units by this machine's directory; none where there is no directory here."""
    from services.cli.place import Place  # noqa: PLC0415
    from services.cli.trust import DIRECTORY, read_directory  # noqa: PLC0415
    from services.kit.registry import pinned_roots  # noqa: PLC0415
    from services.kit.trust.state import TrustState  # noqa: PLC0415

    place = Place.here()
    if not place.pinned.exists():
        return {}
    with contextlib.suppress(CliError):  # codes alone say which unit it is
        found = read_directory(TrustState(pinned_roots(str(place.pinned))), place.registry / DIRECTORY)
        return {node.code: node.name for node in found.nodes}
    return {}
