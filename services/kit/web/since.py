"""The ``since`` of a query: from when on something is counted."""

from msgspec import Struct

from proto.limits import YEARS
from proto.messages.base import Time


class Since(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when on; all where it is not given. Read with ``query_of``, which makes a 400 of a wrong one."""

    since: Time | None = None  # RFC 3339 with zone, inclusive

    def __post_init__(self) -> None:
        if self.since is not None and not YEARS[0] <= self.since.year <= YEARS[1]:
            raise ValueError(f"since: year outside {YEARS[0]} to {YEARS[1]}")
