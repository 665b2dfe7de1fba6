"""How long work tells of itself."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (step, done, all)."""
