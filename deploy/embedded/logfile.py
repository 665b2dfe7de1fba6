"""Plain log files that outlive their writer and do not fill the disk."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

LARGEST = 16 * 1024 * 1024  # bytes, of the current file; one older file of about this size is kept beside it
_TAIL = 16 * 1024
_LONGEST_LINE = 300
_MARKS = ("Error during startup", "FATAL:")


def open_log(path: Path) -> int:
    """Open ``path`` for a child's stdout and stderr; the caller closes the descriptor.

    O_APPEND lets the file be shortened (by ``trim`` or by logrotate's copytruncate) while the child goes on writing:
    its next line lands at the new end, and no hole is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    trim(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)


def trim(path: Path, largest: int = LARGEST) -> bool:
    """Copy ``path`` to ``<path>.1`` and empty it once it is larger than ``largest`` bytes.

    What is written between the copy and the emptying is lost. That is the price of not needing the writer's help;
    nothing that must be kept is kept only in a log.
    """
    try:
        if path.stat().st_size <= largest:
            return False
    except FileNotFoundError:
        return False
    shutil.copyfile(path, path.with_name(path.name + ".1"))
    os.truncate(path, 0)
    return True


def telling_line(path: Path, start: int) -> str:
    """Return the line written after byte ``start`` that most likely says why the writer ended; empty when none.

    That is the last one, except that RabbitMQ and PostgreSQL go on talking after theirs.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start if start <= size else 0, size - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    marked = [line for line in said if any(mark in line for mark in _MARKS)]
    return _plain((marked or said or [""])[-1])[:_LONGEST_LINE]


def _plain(line: str) -> str:
    """Return a line of our services' structured logs as words; any other line as it is."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict) or "event" not in fields:
        return line
    told = {name: value for name, value in fields.items() if name not in {"event", "level", "timestamp", "service"}}
    return " ".join([str(fields["event"]), *(f"{name}={value}" for name, value in told.items())])
