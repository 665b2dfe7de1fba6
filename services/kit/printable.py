"""Text that came over the network, shown where it can move no cursor, turn no line round and hide nothing."""

import json
import unicodedata


def is_plain(char: str) -> bool:
    """Tell whether a character shows as itself: no control, no bidirectional or other invisible formatting character."""
    return char.isprintable() or unicodedata.category(char) == "Zs"  # the ideographic space is a character like others


def plain_json(text: str) -> str:
    """Return a JSON text that says the same, with whatever does not show as itself written as an escape."""
    if text.isprintable():
        return text
    return "".join(char if is_plain(char) or char == "\n" else json.dumps(char)[1:-1] for char in text)
