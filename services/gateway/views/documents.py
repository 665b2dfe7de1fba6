"""Bulletins and publications as documents (公文): of the hub that issues them, and of whoever received them."""

from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from proto import codec
from proto.envelope import unpack
from proto.messages import Bulletin, BulletinContent, Publication
from services.gateway.desk import DESK, Desk
from services.gateway.documents.errors import DocumentError
from services.gateway.documents.model import BulletinDocument, IssueDocument
from services.gateway.documents.rendering import Form, rendered
from services.gateway.domain.papers import PaperKind, read_text, reporting_to
from services.gateway.domain.printing import bulletin_document, issue_document, reports_in
from services.gateway.views.auth import member
from services.gateway.views.hub import hub_member
from services.gateway.views.items import item_id
from services.kit.calendar import day_of
from services.kit.web.api import Endpoint, query_of
from services.kit.web.problem import ProblemError, not_found

FORMS: Final = tuple(form.media_type for form in Form)


class DocumentQuery(msgspec.Struct, forbid_unknown_fields=True):
    """In which form."""

    form: Form = Form.HTML


async def paper_document(request: web.Request, _: None) -> web.Response:
    """Return a hub's bulletin as a document; a draft as of today."""
    who = await hub_member(request)
    desk = request.app[DESK]
    query: DocumentQuery = query_of(request, DocumentQuery)
    paper = await desk.papers.one(who.node, item_id(request))
    if paper is None:
        raise not_found("paper.unknown")
    bulletin = read_text(paper.kind, paper.content).decoded if paper.kind is PaperKind.BULLETIN else None
    if not isinstance(bulletin, BulletinContent):
        raise _no_document()
    document = bulletin_document(
        bulletin,
        desk.state,
        hub=who.node,
        day=day_of(paper.approved_at or desk.clock()),
        titles=await desk.papers.titles(who.node, reports_in(bulletin)),
        to=reporting_to(desk.state, who.node),
    )
    return await file_of(document, query.form, f"{who.node}-{bulletin.type}-{bulletin.period}")


async def received_document(request: web.Request, _: None) -> web.Response:
    """Return a bulletin or an issue that the unit received as a document."""
    who = await member(request)
    desk = request.app[DESK]
    query: DocumentQuery = query_of(request, DocumentQuery)
    found = await desk.inbox.one(who.node, item_id(request))
    if found is None:
        raise not_found("message.unknown")
    match codec.decode(unpack(found.body)):
        case Publication() as publication:
            document = issue_document(publication, desk.state)
            return await file_of(document, query.form, f"{publication.origin}-{publication.series}-{publication.issue}")
        case Bulletin() as message:
            return await file_of(
                await _received_bulletin(desk, who.node, message), query.form, f"{message.origin}-{message.id}"
            )
        case _:
            raise _no_document()


async def file_of(document: IssueDocument | BulletinDocument, form: Form, name: str) -> web.Response:
    """Return a rendered document to be shown, or saved under a name."""
    try:
        body = await rendered(document, form)
    except DocumentError as error:
        raise ProblemError(
            503, "document.unavailable", "本机无法生成该版式文件", "This machine cannot render that form", str(error)
        ) from error
    quoted = quote(f"{name}.{form}", safe="")
    headers = {"Content-Type": form.media_type, "Content-Disposition": f"inline; filename*=UTF-8''{quoted}"}
    return web.Response(body=body, headers=headers)


async def _received_bulletin(desk: Desk, node: str, message: Bulletin) -> BulletinDocument:
    bulletin = codec.decode_approved(message)
    if not isinstance(bulletin, BulletinContent):
        raise TypeError(type(bulletin).__name__)  # the codec decodes a bulletin's content as one
    return bulletin_document(
        bulletin,
        desk.state,
        hub=message.origin,
        day=day_of(message.sent_at),
        titles=await desk.papers.titles(node, reports_in(bulletin)),
        to=message.to,
    )


def _no_document() -> ProblemError:
    return ProblemError(
        422, "document.none", "只有刊物和通报可以生成文件", "Only publications and bulletins are printed"
    )


_ERRORS: Final = (400, 401, 403, 404, 422)
ENDPOINTS: Final = (
    Endpoint(
        method="GET", path="/api/v1/nodes/{code}/papers/{id}/document", handle=paper_document,
        summary="通报文件 / A bulletin as a document", query=DocumentQuery, files=FORMS, errors=_ERRORS,
    ),
    Endpoint(
        method="GET", path="/api/v1/nodes/{code}/inbox/{id}/document", handle=received_document,
        summary="收到的刊物或通报文件 / A received issue or bulletin as a document", query=DocumentQuery, files=FORMS,
        errors=_ERRORS,
    ),
)  # fmt: skip
