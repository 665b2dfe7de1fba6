"""Which units lie under an area code (GB/T 2260)."""

from typing import Final

_AREA: Final = 6  # digits: two each for province, city, county


def subtree(code: str) -> tuple[str, bool]:
    """Return ``(text, True)``: all origins beginning with ``text``; or ``(code, False)``: that one unit alone.

    A province covers its cities and their counties, a city its counties, a county what belongs to it; departments and
    liaison offices (codes with a slug) cover only themselves but lie under their area.
    """
    if len(code) > _AREA:
        return code, False
    if code.endswith("0000"):
        return code[:2], True
    if code.endswith("00"):
        return code[:4], True
    return code, True


def covers(code: str, origin: str) -> bool:
    """Tell whether ``origin`` lies under ``code``."""
    text, whole = subtree(code)
    return origin.startswith(text) if whole else origin == text
