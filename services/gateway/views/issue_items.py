"""Putting reports into a draft issue, taking them out, their order: nothing of it leaves the hub."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from aiohttp import web

from proto.limits import MAX_COUNT, MAX_ITEMS
from proto.messages import Role, Verdict
from proto.messages.base import check_decimal
from services.gateway.desk import DESK
from services.gateway.domain.decisions import DecisionError, check_decision
from services.gateway.domain.issues import Issue, IssueItem
from services.gateway.views.hub import BodyText, TitleText, check_written, hub_member, refusal_of
from services.gateway.views.issues import IssueView, issue_view, items_of, the_draft, the_issue
from services.gateway.views.items import checked_words, item_id
from services.kit.web.api import Endpoint, Read, reply
from services.kit.web.problem import ProblemError, invalid, not_found


class AdoptedShare(msgspec.Struct, forbid_unknown_fields=True):
    """A report and its part of the credit."""

    report: UUID
    share: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        check_decimal(self.share, -1, 1)  # finite, of few places; what the shares must add up to is the domain's rule


class ItemRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An article for an issue: of one report (采用) or of several (综合采用)."""

    verdict: Literal["adopted", "merged"]
    items: Annotated[list[AdoptedShare], msgspec.Meta(max_length=100)]
    title: TitleText | None = None  # None: the first report's, as edited
    body: BodyText | None = None
    id: UUID | None = None  # the client's own, so that trying again adds one


class ItemAdded(msgspec.Struct):
    """Where it stands."""

    issue: UUID
    n: int  # its number within the issue
    id: UUID


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True):
    """All items of an issue in their new order."""

    items: Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=MAX_COUNT)]], msgspec.Meta(max_length=MAX_ITEMS)]


async def add_item(request: web.Request, read: Read[ItemRequest]) -> ItemAdded | web.Response:
    """Adopt a report, or merge several, into a draft issue; their origins learn of it when the issue is final."""
    who = await hub_member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    given = [text for text in (body.title, body.body) if text is not None]
    check_written(*given)
    await checked_words(desk, who, *given)
    verdict = Verdict(body.verdict)
    shares = [(each.report, each.share) for each in body.items]
    reports = [report for report, _ in shares]
    new = body.id or desk.new_id()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)  # two editors at once cannot both take one report
        issue = await the_issue(desk, connection, who, item_id(request), lock=True)
        found = (await desk.issues.items(connection, [issue.id])).get(issue.id, [])
        known = next((item for item in found if item.id == new), None)
        if known is None and await desk.issues.place_of(connection, new) is not None:
            raise _id_taken()
        if known is not None:
            if not _same(known, body, final=issue.final_at is not None):
                raise _id_taken()
            return reply(ItemAdded(issue.id, known.n, known.id), 200)
        issue = await the_draft(desk, connection, who, issue.id)
        if len(found) >= MAX_ITEMS:
            raise ProblemError(422, "issue.full", "该期信息已满", "The issue holds as many items as it can")
        try:
            parts = check_decision(
                verdict,
                shares,
                origins=await desk.inbox.origins(connection, who.node, reports),
                decided=await desk.inbox.decided(connection, who.node, reports),
                held=await desk.intake.held(connection, who.node, reports),
                publication=issue.ref,
                reason="",
            )
        except DecisionError as error:
            raise refusal_of(error) from error
        n = await desk.issues.add(
            connection, issue, id=new, verdict=verdict, title=body.title, body=body.body, editor=who.person, parts=parts
        )
        await desk.intake.hold(connection, who.node, reports)
    return ItemAdded(issue.id, n, new)


async def drop_item(request: web.Request, _: None) -> None:
    """Take an item out of a draft: its reports wait again, and nobody outside learns of it."""
    who = await hub_member(request, Role.EDITOR)
    desk = request.app[DESK]
    n = _number(request)
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        issue = await the_draft(desk, connection, who, item_id(request))
        reports = await desk.issues.take_out(connection, issue.id, n)
        if not reports:
            numbers = _numbers(await items_of(desk, connection, issue))
            raise not_found(
                "issue.item_unknown",
                f"该期没有这一条，现有：{numbers or '无'}",
                f"The issue has no such item; it has: {numbers or 'none'}",
            )
        await desk.intake.free(connection, who.node, reports)


async def arrange(request: web.Request, read: Read[OrderRequest]) -> IssueView:
    """Put the items of a draft into an order: each of them once."""
    who = await hub_member(request, Role.EDITOR)
    desk = request.app[DESK]
    body = await read()
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)
        issue: Issue = await the_draft(desk, connection, who, item_id(request))
        found = await items_of(desk, connection, issue)
        if sorted(body.items) != sorted(item.n for item in found):
            numbers = _numbers(found)
            raise ProblemError(
                422,
                "issue.order",
                f"顺序须列明该期全部信息，各一次；现有：{numbers or '无'}",
                f"An order lists all items of the issue, each once; it has: {numbers or 'none'}",
            )
        await desk.issues.arrange(connection, issue.id, body.items)
        return await issue_view(desk, connection, issue)


def _numbers(items: Sequence[IssueItem]) -> str:
    """Return the items' numbers as they are typed, in their order."""
    return " ".join(str(item.n) for item in items)


def _same(item: IssueItem, asked: ItemRequest, *, final: bool) -> bool:
    """Tell whether an item is what is asked for; in a final issue one that was given no text has that of its report."""
    parts = [(part.report, part.share) for part in item.reports]
    return (
        item.verdict == asked.verdict
        and parts == [(each.report, each.share) for each in asked.items]
        and all(
            given == kept or (final and given is None)
            for given, kept in ((asked.title, item.title), (asked.body, item.body))
        )
    )


def _id_taken() -> ProblemError:
    return ProblemError(409, "issue.item_id_taken", "该编号已被使用", "This id is taken")


def _number(request: web.Request) -> int:
    text = request.match_info["n"]
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text)):  # noqa: PLR2004 - fits an integer
        raise invalid("n")
    return int(text)


_ISSUE: Final = "/api/v1/nodes/{code}/issues/{id}"
ENDPOINTS: Final = (
    Endpoint(
        method="POST", path=f"{_ISSUE}/items", handle=add_item, summary="采用、综合采用，编入一期 / Adopt or merge into an issue",
        body=ItemRequest, answer=ItemAdded, status=201, again=200, errors=(400, 401, 403, 404, 409, 422),
    ),
    Endpoint(
        method="DELETE", path=f"{_ISSUE}/items/{{n}}", handle=drop_item, summary="从草稿中取出 / Take out of a draft",
        status=204, errors=(400, 401, 403, 404, 409),
    ),
    Endpoint(
        method="PUT", path=f"{_ISSUE}/order", handle=arrange, summary="调整顺序 / Put into order", body=OrderRequest,
        answer=IssueView, errors=(400, 401, 403, 404, 409, 422),
    ),
)  # fmt: skip
