"""Structured logs: constant event names, data in fields, the message id bound while one is handled.

Report text and secrets are never passed to a logger; ``identifiers, not objects`` is what keeps that so.
"""

import logging
import sys

import structlog

from services.kit.errors import SettingsError


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
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
