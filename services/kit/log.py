"""Structured logs: constant event names, data in fields, the message id bound while one is handled.

Report text and secrets are never passed to a logger; ``identifiers, not objects`` is what keeps that so.
"""

import logging
import sys
import traceback
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict

from services.kit.errors import SettingsError
from services.kit.printable import plain_json


def _name_exception(_: Any, __: str, event: EventDict) -> EventDict:
    """Put an exception's types and places into the event, never its text: a server's or a parser's may quote a report."""
    error = event.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error
    if isinstance(error, BaseException):
        chain: list[str] = []
        while error is not None:
            places = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
            chain.append(f"{type(error).__module__}.{type(error).__name__} at {' < '.join(reversed(places[-8:]))}")
            error = error.__cause__ or error.__context__
        event["exception"] = chain
    return event


def _show_plainly(_: Any, __: str, line: Any) -> str:
    """Escape what could move the cursor of whoever reads the log, or turn a line round."""
    return plain_json(str(line))


def configure(service: str, level: str) -> None:
    """Send JSON lines to stderr, stamped in UTC, with the service's name."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise SettingsError(f"log_level {level!r} is not one of debug, info, warning, error")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _name_exception,
            structlog.processors.JSONRenderer(ensure_ascii=False),
            _show_plainly,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
