"""Rendering in a process of its own, so that neither the libraries nor their memory weigh on the gateway.

Each rendering gets a new process: Typst keeps what it computed, and a worker that waits for the next call would hold 200 MB
and more. Starting one takes a third of a second, which nobody notices before a download.
"""

import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import DEVNULL, PIPE
from enum import StrEnum
from typing import Final

import msgspec
from anyio import CapacityLimiter
from anyio.lowlevel import RunVar

from services.gateway.documents.errors import DocumentError, FontMissingError
from services.gateway.documents.model import BulletinDocument, IssueDocument
from services.kit.errors import TransientError

RENDER_SECONDS: Final = 120.0  # a hundred times what fifty pages take; the process is killed then
_LIMITER: Final = RunVar[CapacityLimiter]("documents-limiter")


class Form(StrEnum):
    """What a document is rendered as; the value is the file name's ending."""

    HTML = "html"
    DOCX = "docx"
    PDF = "pdf"

    @property
    def media_type(self) -> str:
        """The IANA media type."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES: Final = {
    Form.HTML: "text/html; charset=utf-8",
    Form.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Form.PDF: "application/pdf",
}


class _Request(msgspec.Struct, frozen=True):
    document: IssueDocument | BulletinDocument
    form: Form


class _Done(msgspec.Struct, frozen=True, tag=True):
    data: bytes


class _Failed(msgspec.Struct, frozen=True, tag=True):
    text: str
    font: bool  # a font is missing


async def rendered(document: IssueDocument | BulletinDocument, form: Form) -> bytes:
    """Return the document in that form, one at a time; a cancelled call kills its process.

    Raises:
        FontMissingError, DocumentError: as ``pdf``.
        TransientError: the process was killed, or took too long.
    """
    async with _limiter():
        status, answer = await _run(msgspec.msgpack.encode(_Request(document, form)))
    if status != 0:
        raise TransientError(f"the rendering process ended with status {status}")
    outcome = msgspec.msgpack.decode(answer, type=_Done | _Failed)
    if isinstance(outcome, _Failed):
        raise (FontMissingError if outcome.font else DocumentError)(outcome.text)
    return outcome.data


async def _run(request: bytes) -> tuple[int | None, bytes]:
    """Return how the process ended and what it wrote."""
    # What a library may say on its way down could quote the text: stderr does not reach the gateway's log.
    process = await create_subprocess_exec(sys.executable, "-m", __package__, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        async with timeout(RENDER_SECONDS):
            answer, _ = await process.communicate(request)
    except TimeoutError as error:
        raise TransientError("the rendering took too long") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, answer


def _limiter() -> CapacityLimiter:
    """Return the event loop's limiter of one."""
    try:
        return _LIMITER.get()
    except LookupError:
        limiter = CapacityLimiter(1)
        _LIMITER.set(limiter)
        return limiter


def serve(request: bytes) -> bytes:
    """Render what ``rendered`` asks for and return the outcome for it: the other end of the pipe."""
    asked = msgspec.msgpack.decode(request, type=_Request)
    outcome: _Done | _Failed
    try:
        outcome = _Done(_render(asked.document, asked.form))
    except DocumentError as error:
        outcome = _Failed(str(error), isinstance(error, FontMissingError))
    return msgspec.msgpack.encode(outcome)


def _render(document: IssueDocument | BulletinDocument, form: Form) -> bytes:
    # Imported here: only this process needs these libraries, and of them only what the form asks for.
    match form:
        case Form.HTML:
            from services.gateway.documents.html import html  # noqa: PLC0415

            return html(document).encode()
        case Form.DOCX:
            from services.gateway.documents.docx import docx  # noqa: PLC0415

            return docx(document)
        case Form.PDF:
            from services.gateway.documents.pdf import pdf  # noqa: PLC0415

            return pdf(document)
