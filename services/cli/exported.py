"""Signed messages in bulk: from a service page by page, or from a file with one a line. Never all at once in memory."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from proto.envelope import Envelope, from_json
from proto.errors import RefusedError
from services.cli.failures import not_so, unreachable

if TYPE_CHECKING:
    from services.cli.client import Api


class Page(msgspec.Struct, frozen=True):
    """A page as archive and gateway hand it out."""

    messages: list[Envelope]
    next: str | None  # ``after`` of the next page


async def pages(api: "Api", path: str, kinds: Iterable[str], **query: Any) -> AsyncIterator[Envelope]:
    """Yield the messages of these kinds, one page in memory at a time."""
    for kind in sorted(kinds):
        after: str | None = ""
        while after is not None:
            page = decoded(await api.download(path, kind=kind, after=after, **query), Page)
            for envelope in page.messages:
                yield envelope
            after = page.next


async def lines(file: Path) -> AsyncIterator[Envelope]:
    """Yield the messages of a file, DSSE JSON, one a line; refuse the file where a line is none."""
    with file.open("rb") as text:
        for number, line in enumerate(text, start=1):
            if line.strip():
                try:
                    yield from_json(line.strip())
                except RefusedError as error:
                    raise not_so(
                        error.reason.value, error.reason.zh, error.reason.en, f"{file}:{number} {error.detail}"
                    ) from error


def decoded(data: bytes, kind: Any) -> Any:
    """Return a service's answer as a struct."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise unreachable(
            "http.not_json", "该地址不是驿站服务", "That address is no Yizhan service", type(error).__name__
        ) from error
