"""Asking the scoring service, over HTTP, whether what a lead is about to approve or to adjust would count."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import aiohttp
import msgspec
import structlog

from proto.messages import AdjustmentLine
from services.gateway.domain.papers import Draft
from services.kit.settings import secret
from services.kit.web.problem import Problem, ProblemError

_log: Final = structlog.get_logger()
_TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
_REFUSALS: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})


class Scores:
    """The scoring service as a gateway sees it; without an address nothing is asked."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}

    async def check(self, hub: str, draft: Draft, *, after: UUID | None) -> None:
        """Raise ``ProblemError``: with the reason for which the score would ignore a paper, or 503 where it cannot be asked.

        ``after`` is the paper that the hub said before: it is to be looked at what that leaves.
        """
        await self._ask(hub, "papers", {"kind": draft.kind, "content": draft.content, "after": after})

    async def check_adjustment(self, hub: str, lines: Sequence[AdjustmentLine]) -> None:
        """Do so for the lines of an adjustment."""
        await self._ask(hub, "adjustments", {"lines": lines})

    async def _ask(self, hub: str, about: str, asked: dict[str, Any]) -> None:
        if not self._url:
            return
        try:
            async with self._http.post(
                f"{self._url}/api/v1/hubs/{hub}/{about}/check", data=msgspec.json.encode(asked), headers=self._headers
            ) as answer:
                if answer.status == HTTPStatus.NO_CONTENT:
                    return
                said = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(type(error).__name__) from error
        if answer.status not in _REFUSALS:
            raise _unreachable(str(answer.status))
        try:
            problem = msgspec.json.decode(said, type=Problem)
        except msgspec.MsgspecError as error:
            raise _unreachable(str(answer.status)) from error
        raise ProblemError(answer.status, problem.code, problem.title, problem.title_en, problem.detail)


@asynccontextmanager
async def asking_scores(url: str, token_file: str) -> AsyncIterator[Scores]:
    """Keep what it takes to ask; no token is sent anywhere where no address is set."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        yield Scores(http, url, secret(token_file) if url else "")


def _unreachable(why: str) -> ProblemError:
    _log.warning("scoring_not_asked", why=why)
    return ProblemError(
        503,
        "scoring.unreachable",
        "计分服务暂时无法核对，尚未办理，请稍后再试",
        "The scoring service cannot check this now; nothing was done, please try again later",
        headers={"Retry-After": "5"},
    )
