"""``yizhan score bulletin``: the draft of a bulletin, looked at, printed, or handed to the hub's desk (通报)."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli import asking
from services.cli.failures import CliError, Exit, cannot, usage
from services.cli.options import Archive, Gateway, Json, PasswordFile, Person, Registry, RootFile, Scoring
from services.cli.papers import Kind, save, say_saved
from services.cli.score_words import Hub
from services.cli.tree import Tree
from services.kit.calendar import day_of

if TYPE_CHECKING:
    from uuid import UUID

    from proto.messages import BulletinContent
    from services.cli.client import Api
    from services.gateway.documents.rendering import Form

_TITLES_AT_ONCE: Final = 8


class Type(StrEnum):
    """Types of bulletins."""

    MONTHLY = "monthly"
    YEARLY = "yearly"
    COMMENDATION = "commendation"


def add_to(tree: Tree) -> None:
    """Add the command."""
    tree.command(
        "bulletin", help="通报草稿：查看、成文、存为文稿待签发 / Draft of a bulletin: show, print, save for approval"
    )(bulletin)


def bulletin(
    hub: Hub,
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="YYYY-MM，或年度 YYYY / A month, or a year")],
    *,
    type: Annotated[
        Type | None,
        typer.Option(metavar="monthly|yearly|commendation", help="种类，默认依期间 / Which one; by the period"),
    ] = None,
    places: Annotated[
        int, typer.Option(metavar="N", min=1, max=50, help="表彰：每类几名 / Commended of each class")
    ] = 3,
    preview: Annotated[
        bool, typer.Option("--preview", help="预览现在还不能签发的 / Show what cannot be issued yet")
    ] = False,
    document: Annotated[
        Path | None, typer.Option(metavar="FILE", help="写入 .html、.docx 或 .pdf / Write it there")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--save", help="存为文稿，待分管领导签发 / Save as a paper for the lead to approve")
    ] = False,
    person: Person = "editor",
    password_file: PasswordFile = None,
    root: RootFile = None,
    registry: Registry = None,
    archive: Archive = "",
    gateway: Gateway = "",
    scoring: Scoring = "",
    as_json: Json = False,
) -> int:
    """Draft a bulletin from the score; ``keep`` hands it to the hub's gateway as a paper."""
    if keep and preview:
        raise usage("bulletin.preview", "预览稿不能存为文稿", "A preview is not saved")
    form = _form_of(document) if document else None
    path = f"/api/v1/hubs/{hub}/bulletins/draft"
    kind = type or (Type.MONTHLY if "-" in period else Type.YEARLY)
    found = asking.ask_service(
        scoring, "scoring", path, type=kind, period=period, preview=preview or None, places=places
    )
    if document and form:
        document.write_bytes(_printed(found["content"], hub, form, root, registry, archive))
    paper = save(Kind.BULLETIN, hub, found["content"], person, password_file, gateway) if keep else None
    if paper:
        found["paper"] = paper["id"]
    names = {} if as_json else _names(scoring, hub, period[:4])
    done = _put(found, names, as_json=as_json)
    if paper:
        say_saved(hub, paper)
    return done


def _put(found: dict[str, Any], names: dict[str, str], *, as_json: bool) -> int:
    from services.cli import output, paper_text  # noqa: PLC0415

    if as_json:
        output.put_json(found)
        return Exit.GOOD
    facts = (
        *paper_text.bulletin_facts(found["content"]), ("条目略去 / items left out", found["details_left_out"]),
        ("不得签发 / forbidden", found["forbidden"]),
    )  # fmt: skip
    output.put_facts((name, value) for name, value in facts if value)
    paper_text.put_bulletin(found["content"], names)
    return Exit.GOOD


def _names(scoring: str, hub: str, year: str) -> dict[str, str]:
    """Return the names of the units that a hub's bulletins list."""
    table = asking.ask_service(scoring, "scoring", f"/api/v1/hubs/{hub}/years/{year}")
    return {line["unit"]: line["name"] for line in table["lines"]}


def _form_of(document: Path) -> "Form":
    from services.gateway.documents.rendering import Form  # noqa: PLC0415

    try:
        return Form(document.suffix.removeprefix("."))
    except ValueError as error:
        raise usage(
            "document.form", "文件须为 .html、.docx 或 .pdf", "Name it .html, .docx or .pdf", str(document)
        ) from error


def _printed(
    content: Any, hub: str, form: "Form", root: Path | None, registry: Path | None, archive: str
) -> bytes:  # fmt: skip
    """Return the draft as it would be printed today, with names from the directory and titles from the archive."""
    import msgspec  # noqa: PLC0415

    from proto.messages import BulletinContent  # noqa: PLC0415
    from services.cli import client, credentials, output  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415
    from services.cli.trust import read_trust  # noqa: PLC0415
    from services.gateway.documents.errors import DocumentError  # noqa: PLC0415
    from services.gateway.documents.rendering import rendered  # noqa: PLC0415
    from services.gateway.domain.papers import reporting_to  # noqa: PLC0415
    from services.gateway.domain.printing import bulletin_document  # noqa: PLC0415

    place = Place.here()
    state = read_trust(root or place.pinned, registry or place.registry).state
    draft = msgspec.convert(content, BulletinContent)
    token = credentials.reading_token(place)

    async def render() -> bytes:
        async with client.api(archive or place.url("archive"), token) as api:
            titles = await _titles(api, hub, draft)
        document = bulletin_document(
            draft, state, hub=hub, day=day_of(output.now()), titles=titles,
            to=reporting_to(state, hub),
        )  # fmt: skip
        return await rendered(document, form)

    try:
        data: bytes = client.run(render)
    except DocumentError as error:
        raise cannot(
            "document.unavailable", "本机无法生成该版式文件", "This machine cannot render that form", str(error)
        ) from error
    return data


async def _titles(api: "Api", hub: str, draft: "BulletinContent") -> "dict[UUID, str]":
    """Return the titles of the reports under the lines, as far as the hub may read them."""
    import asyncio  # noqa: PLC0415

    from proto import codec  # noqa: PLC0415
    from proto.envelope import from_json  # noqa: PLC0415
    from proto.messages import Report  # noqa: PLC0415
    from services.kit.tasks import TaskScope  # noqa: PLC0415

    slots = asyncio.Semaphore(_TITLES_AT_ONCE)
    titles: dict[UUID, str] = {}

    async def one(report: "UUID") -> None:
        async with slots:
            try:
                found = await api.download(f"/api/v1/messages/{report}", reader=hub)
            except CliError as error:
                if error.code != "not_found":
                    raise
                return
        message = codec.decode(from_json(found))
        if isinstance(message, Report):
            titles[report] = codec.decode_content(message.content).title

    reports = {item.report for line in draft.lines for item in line.items if item.report is not None}
    async with TaskScope() as tasks:
        for report in reports:
            tasks.spawn(one(report), f"title-{report}")
        await tasks.all_done()
    return titles
