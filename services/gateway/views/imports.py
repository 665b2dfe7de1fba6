"""Importing drafts, many at once, as often as one likes: what is there already is not made again."""

from typing import Final
from uuid import UUID

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import digest_of
from proto.errors import Reason, RefusedError
from proto.messages import Role
from services.gateway.desk import DESK, Desk
from services.gateway.domain.items import State, Step
from services.gateway.store.items import Item
from services.gateway.views.auth import Principal, member
from services.gateway.views.items import checked, same
from services.kit.web.api import Endpoint
from services.kit.web.problem import ProblemError, invalid

_MAX_LINES: Final = 2_000


class Imported(msgspec.Struct):
    """The fate of one line of an import."""

    line: int
    item: str = ""
    code: str = ""  # reason where it was not taken
    detail: str = ""  # which part of the line the reason is about
    known: bool = False  # it was there already, nothing was made


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A good line."""

    number: int
    id: UUID | None  # the line's own; None: the content is the key
    item: Item  # as it would be stored

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return digest_of(self.item.content.encode())


async def import_drafts(request: web.Request, _: None) -> list[Imported]:
    """Take a JSONL file of drafts; each line is stored, known or refused for itself.

    A line is a content and may have an ``id`` beside its fields. Without one the unit and the content are the key.
    """
    who = await member(request, Role.INFORMATION_OFFICER)
    desk = request.app[DESK]
    lines = (await request.read()).splitlines()
    if len(lines) > _MAX_LINES:
        raise invalid(f"lines > {_MAX_LINES}", "import.too_many_lines")
    results: list[Imported] = []
    good: list[Line] = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            good.append(await _read(desk, who, number, text))
        except UnicodeDecodeError:
            results.append(Imported(number, code=Reason.PAYLOAD_NOT_UTF8.value))
        except RefusedError as error:
            results.append(Imported(number, code=error.reason.value, detail=error.detail))
        except ProblemError as error:
            results.append(Imported(number, code=error.problem.code, detail=error.problem.detail))
    if good:
        results += await _store(desk, who, good)
    return sorted(results, key=lambda result: result.line)


async def _read(desk: Desk, who: Principal, number: int, text: bytes) -> Line:
    own, content = _split(text.decode())
    decoded = await checked(desk, who, content, own)
    now = desk.clock()
    item = Item(
        id=own or desk.new_id(), node=who.node, state=State.DRAFT, title=decoded.title,
        content=codec.encode(decoded).decode(), about=None, author=who.person, created_at=now, updated_at=now,
        message=None,
    )  # fmt: skip
    return Line(number=number, id=own, item=item)


def _split(text: str) -> tuple[UUID | None, str]:
    """Return a line's own id and its content; what is no object is left for the content's rules to refuse."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        return None, text
    if "id" not in fields:
        return None, text
    try:
        own = msgspec.json.decode(fields.pop("id"), type=UUID | None)
    except msgspec.MsgspecError as error:
        raise RefusedError(Reason.REPORT_INVALID, "id") from error
    return own, msgspec.json.encode(fields).decode()


async def _store(desk: Desk, who: Principal, lines: list[Line]) -> list[Imported]:
    """Store what is new in one transaction."""
    results: list[Imported] = []
    fresh: dict[UUID, Item] = {}
    keys: dict[str, UUID] = {}
    async with desk.db.transaction() as connection:
        await desk.outbox.lock(connection)  # or the same lines, imported at the same time, break the keys
        there = await desk.items.by_id(connection, [line.id for line in lines if line.id])
        imported = await desk.items.imported(connection, who.node, [line.digest for line in lines if not line.id])
        for line in lines:
            if line.id is None:
                known = (imported | keys).get(line.digest)
                if known is not None:
                    results.append(Imported(line.number, str(known), known=True))
                    continue
                keys[line.digest] = line.item.id
            elif (other := there.get(line.id) or fresh.get(line.id)) is not None:
                results.append(_known(line, other))
                continue
            fresh[line.item.id] = line.item
            results.append(Imported(line.number, str(line.item.id)))
        if fresh:
            await desk.items.add(connection, list(fresh.values()), Step.EDIT)
        if keys:
            await desk.items.add_imported(connection, who.node, keys)
    return results


def _known(line: Line, other: Item) -> Imported:
    """Return the fate of a line whose id an item has."""
    if other.node != line.item.node:
        return Imported(line.number, code="item.id_taken")
    if not same(other, line.item):
        return Imported(line.number, str(other.id), code="item.differs", known=True)
    return Imported(line.number, str(other.id), known=True)


ENDPOINTS: Final = (
    Endpoint(
        method="POST", path="/api/v1/nodes/{code}/import", handle=import_drafts,
        summary="批量导入草稿（JSONL）/ Import drafts (JSONL)", answer=list[Imported],
    ),
)  # fmt: skip
