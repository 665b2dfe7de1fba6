"""An item's way from draft to sent, taken up wherever it stands, so that trying again does nothing twice."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

_FROM: Final = {"submit": "draft", "review": "in_review", "approve": "awaiting_approval", "send": "approved"}
STEPS: Final = tuple(_FROM)
"""All steps of the way, in order."""


async def walk_on(state: str, steps: Iterable[str], take: Callable[[str], Awaitable[Any]]) -> str:
    """Take those of ``steps`` for which the item stands ready, in order; return the state it came to.

    ``take`` takes one step and returns the gateway's answer.
    """
    for step in steps:
        if state == _FROM[step]:
            state = (await take(step))["state"]
    return state
