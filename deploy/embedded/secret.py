"""Passwords of the private servers: random, made once, readable by their owner only."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

_BYTES = 32  # 256 bits; the text is URL-safe, so it needs no quoting in a URL


def read_or_create(path: Path) -> str:
    """Return the secret in ``path``, making it first when it is not there."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    text = secrets.token_urlsafe(_BYTES)
    write_private(path, text + "\n")
    return text


def write_private(path: Path, text: str) -> None:
    """Put ``text`` into ``path`` (mode 0600) so that a reader sees the old file or the whole new one, never a part."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
