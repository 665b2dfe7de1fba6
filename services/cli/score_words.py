"""Arguments and words that the ``yizhan score`` commands share."""

from typing import Annotated, Final

import typer

PROVINCE: Final = "320000"
Hub = Annotated[str, typer.Argument(metavar="HUB", help="上级办公室代码 / The hub")]
Month = Annotated[str, typer.Argument(metavar="YYYY-MM", help="月份 / Month")]
Year = Annotated[int, typer.Argument(metavar="YYYY", help="年份 / Year")]
CLASSES: Final = {
    "city": ("设区市", "city"),
    "department": ("省级部门", "department"),
    "county": ("县（市、区）", "county"),
    "direct_report": ("信息直报点", "direct-report point"),
    "liaison": ("驻外办事处", "liaison office"),
}
"""Classes of units, in Chinese and English."""


def class_words(unit_class: str) -> str:
    """Return a class of units in both languages."""
    return " / ".join(CLASSES.get(unit_class, (unit_class,)))


def this_month() -> str:
    """Return the month in Jiangsu."""
    from services.cli import moments, output  # noqa: PLC0415

    return f"{output.now().astimezone(moments.CHINA):%Y-%m}"
