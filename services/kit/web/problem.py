"""Errors over HTTP: RFC 9457 problem details, in Chinese and English, with a stable code."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from proto.errors import Reason, RefusedError
from services.kit.errors import TransientError, UnavailableError

_log: Final = structlog.get_logger()
CONTENT_TYPE: Final = "application/problem+json"


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of an error answer."""

    type: str  # urn:yizhan:problem:<code>
    title: str  # Chinese
    title_en: str
    status: int
    code: str  # stable
    detail: str = ""


class ProblemError(Exception):
    """An error that a client can read: ``code`` is stable, ``zh`` and ``en`` say what happened and what to do."""

    def __init__(
        self, status: int, code: str, zh: str, en: str, detail: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.problem: Final = Problem(
            type=f"urn:yizhan:problem:{code}", title=zh, title_en=en, status=status, code=code, detail=detail
        )
        self.headers: Final = headers or {}


def not_found(code: str = "not_found", zh: str = "没有这一项", en: str = "There is no such thing") -> ProblemError:
    """404."""
    return ProblemError(404, code, zh, en)


def forbidden(code: str = "forbidden", zh: str = "您无权进行此操作", en: str = "You may not do this") -> ProblemError:
    """403."""
    return ProblemError(403, code, zh, en)


def invalid(detail: str, code: str = "request.invalid") -> ProblemError:
    """400: the request cannot be read; ``detail`` names the place, never the content."""
    return ProblemError(400, code, "请求内容不合格式", "The request is not well-formed", detail)


def unauthorized() -> ProblemError:
    """401."""
    return ProblemError(
        401, "auth.required", "请先登录", "Please sign in", headers={"WWW-Authenticate": 'Bearer realm="yizhan"'}
    )


def refused(reason: Reason, detail: str = "") -> ProblemError:
    """422: the message would be refused by the network for this reason."""
    return ProblemError(422, reason.value, reason.zh, reason.en, detail)


def unavailable(seconds: int = 5) -> ProblemError:
    """503 with Retry-After: full or away, nothing was stored."""
    return ProblemError(
        503,
        "unavailable",
        "系统繁忙，请稍后重试",
        "Busy, please try again later",
        headers={"Retry-After": str(seconds)},
    )


def respond(error: ProblemError) -> web.Response:
    """Return the answer for an error."""
    return web.Response(
        status=error.problem.status,
        body=msgspec.json.encode(error.problem),
        content_type=CONTENT_TYPE,
        headers=error.headers,
    )


@web.middleware
async def problem_middleware(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn every failure into a problem; an unexpected one is logged and says nothing of its inside."""
    try:
        return await handler(request)
    except ProblemError as error:
        return respond(error)
    except RefusedError as error:
        return respond(refused(error.reason, error.detail))
    except UnavailableError:
        return respond(unavailable())
    except TransientError as error:
        _log.warning("request_failed_for_now", path=_path(request), error=str(error))
        return respond(unavailable())
    except web.HTTPRequestEntityTooLarge:
        return respond(
            ProblemError(413, "request.too_large", "请求内容超过长度上限", "The request is larger than the limit")
        )
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        titles: dict[int, tuple[str, str]] = {
            404: ("没有这个地址", "There is no such address"),
            405: ("此地址不支持该方法", "This address does not take that method"),
        }
        zh, en = titles.get(error.status, ("请求无法处理", "The request cannot be served"))
        return respond(ProblemError(error.status, f"http.{error.status}", zh, en, headers=_allow(error)))
    except Exception:  # noqa: BLE001 - logged, and the client is told no more
        _log.exception("request_failed", path=_path(request))
        return respond(ProblemError(500, "internal", "系统内部错误", "Internal error"))


def _path(request: web.Request) -> str:
    """Return the path as a log may hold it: percent-encoded, so that it is one word of ASCII whatever was asked for."""
    return request.rel_url.raw_path


def _allow(error: web.HTTPException) -> dict[str, str]:
    value: Any = error.headers.get("Allow")
    return {"Allow": value} if value else {}
