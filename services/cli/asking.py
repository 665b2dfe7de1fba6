"""One question, to the gateway as a staff member or to a reading service, and showing the answer."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.cli.failures import Exit, not_so

if TYPE_CHECKING:
    from services.cli.client import Api


def ask(
    node: str, person: str, password_file: Path | None, gateway: str, work: "Callable[[Api], Awaitable[Any]]"
) -> Any:
    """Return what ``work`` gets from the gateway as a person of a unit."""
    from services.cli import client  # noqa: PLC0415 - commands import what they need when they run
    from services.cli.work import gateway_url, member_of  # noqa: PLC0415

    opened = member_of(gateway_url(gateway), node, person, password_file)

    async def run() -> Any:
        async with opened as member:
            return await work(member)

    return client.run(run)


def ask_service(base: str, service: str, path: str, *, body: Any = None, **query: Any) -> Any:
    """Return a reading service's answer: to a question, or to a ``body`` that it is to look at."""
    from services.cli import client, credentials  # noqa: PLC0415
    from services.cli.place import Place  # noqa: PLC0415

    place = Place.here()
    token = credentials.reading_token(place)

    async def run() -> Any:
        async with client.api(base or place.url(service), token) as api:
            return await (api.get(path, **query) if body is None else api.post(path, body))

    found = client.run(run)
    if found is None:
        raise not_so("not_found", "没有这一项", "There is no such thing")
    return found


def put_facts(found: Any, facts: Iterable[tuple[str, Any]], *, as_json: bool) -> int:
    """Show one thing: all of it as JSON, or a few facts."""
    from services.cli import output  # noqa: PLC0415

    if as_json:
        output.put_json(found)
    else:
        output.put_facts(facts)
    return Exit.GOOD


def put_table(
    found: Any, headings: tuple[str, ...], rows: Iterable[tuple[Any, ...]], *, title: str = "", widest: int = 0, as_json: bool
) -> int:  # fmt: skip
    """Show a list: all of it as JSON, or a table of at most ``widest`` columns where given."""
    from services.cli import output  # noqa: PLC0415

    if as_json:
        output.put_json(found)
    else:
        output.put_table(headings, rows, title=title, widest=widest)
    return Exit.GOOD
