"""What a request's body may cost us, whoever sends it: nothing is unpacked, and nobody makes us wait for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from services.kit.web.problem import ProblemError, invalid

_FIRST_SECONDS: Final = 15.0  # for any body
_SLOWEST: Final = 10_000  # bytes per second of a body of known length
_CHUNKED_SECONDS: Final = 60.0  # for a body of unknown length


class _TooSlowError(TimeoutError):
    """The body did not come in time. A ``TimeoutError``, which aiohttp takes for one when it reads the rest."""


@web.middleware
async def bounded_bodies(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse a compressed body (415) and one that comes too slowly (408); 400 where it breaks off, which is nobody's error."""
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if coding != "identity":
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "request.content_encoding",
            "不接受压缩的请求内容",
            "A compressed request is not taken",
            headers={hdrs.ACCEPT_ENCODING: "identity"},  # RFC 9110, 15.5.16
        )
    if not request.body_exists:
        return await handler(request)
    content, length = request.content, request.content_length
    seconds = _CHUNKED_SECONDS if length is None else _FIRST_SECONDS + length / _SLOWEST

    def give_up() -> None:
        if not content.is_eof():
            content.set_exception(_TooSlowError())

    watchdog = asyncio.get_running_loop().call_later(seconds, give_up)
    try:
        return await handler(request)
    except _TooSlowError as error:
        raise ProblemError(
            HTTPStatus.REQUEST_TIMEOUT, "request.too_slow", "请求内容传送过慢", "The request came too slowly"
        ) from error
    except (ConnectionError, web.RequestPayloadError) as error:
        if content.exception() is not error:
            raise
        raise invalid("body", "request.incomplete") from error
    finally:
        watchdog.cancel()
