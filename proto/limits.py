"""Every bound on what a stranger may send, by name.

Sizes are bytes unless a name says characters. A message beyond a bound is refused with a reason code, never cut.
"""

from typing import Final

MAX_ENVELOPE_BYTES: Final = 1024 * 1024
"""The largest envelope the router accepts. The broker's own limit (4 MiB) is higher, so that an oversize
message still arrives, is refused with a reason and kept as evidence instead of closing the sender's channel."""

MAX_TITLE_CHARS: Final = 200
MAX_BODY_CHARS: Final = 50_000
MAX_NOTE_CHARS: Final = 2_000
MAX_NAME_CHARS: Final = 200
MAX_LABEL_CHARS: Final = 120
MAX_SOURCES: Final = 20
MAX_JOINT: Final = 10
MAX_ATTACHMENTS: Final = 20
MAX_SIGN_OFFS: Final = 8
MAX_SIGNATURES: Final = 4
MAX_RECIPIENTS: Final = 512
MAX_ITEMS: Final = 500
MAX_LINE_ITEMS: Final = 10_000
"""Items under one unit's line of a bulletin: more than fit into a message, whose size is the real bound."""
MAX_RECEIPTS: Final = 500
MAX_NODES: Final = 5_000
MAX_KEYS: Final = 32
MAX_STAFF: Final = 500
MAX_COUNT: Final = 2**31 - 1
"""The largest whole number: what a PostgreSQL integer holds."""
MAX_DECIMAL_PLACES: Final = 12
YEARS: Final = (1900, 2999)
"""Within which a date must lie: far outside, other time zones and PostgreSQL overflow."""
MAX_POINTS: Final = 10**9
MAX_ADJUSTED: Final = 100_000
"""Points of one line of an adjustment: far more than a year brings, far less than a bulletin's sums can hold."""
MAX_POINT_PLACES: Final = 4
"""Decimal places of points that a person states, as of those that rules give."""
MAX_FORWARDED: Final = 8
"""How many original envelopes one forwarded (转报) report may carry."""

CLOCK_SKEW_SECONDS: Final = 300
"""How far a sender's clock may run ahead of the router's."""
