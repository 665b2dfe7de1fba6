"""Arguments and words that the ``yizhan score`` commands share."""

from decimal import Decimal
from typing import Annotated, Any, Final

import typer

from services.kit.calendar import month_of

PROVINCE: Final = "320000"
Hub = Annotated[str, typer.Argument(metavar="HUB", help="上级办公室代码 / The hub")]
Month = Annotated[str, typer.Argument(metavar="YYYY-MM", help="月份 / Month")]
Year = Annotated[int, typer.Argument(metavar="YYYY", help="年份 / Year")]
OBLIGATIONS: Final = {
    "research": "调研信息 / research",
    "adopted": "采用条数 / adopted",
    "points": "积分 / points",
    "staff": "专职人员 / staff",
}
"""Codes of obligations in both languages; a rule file may have no others."""


def this_month() -> str:
    """Return the month in Jiangsu."""
    from services.cli import output  # noqa: PLC0415

    return month_of(output.now())


def number(value: Any) -> str:
    """Return points as people write them: -3, not -3.0000."""
    text = format(Decimal(value), "f")
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if plain in ("-0", "") else plain
