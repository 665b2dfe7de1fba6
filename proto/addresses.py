"""Node codes and bus addresses: one pure bijection.

A code is a GB/T 2260 area (``320583``) or an area plus a slug for a department, liaison office or network service
(``320000-fgw``). An address is four words province.city.county.unit (``32.05.83.gov``, ``32.00.00.fgw``), so the
topic pattern ``32.05.*.*.#`` is all of Suzhou.
"""

import re
from typing import Final

_OFFICE: Final = "gov"
_AREA: Final = r"([0-9]{2})"
_SLUG: Final = r"([a-z][a-z0-9]{0,15})"
_CODE: Final = re.compile(rf"{_AREA}{_AREA}{_AREA}(?:-(?!{_OFFICE}$){_SLUG})?")
_ADDRESS: Final = re.compile(rf"{_AREA}\.{_AREA}\.{_AREA}\.{_SLUG}")

CODE_PATTERN: Final = rf"^{_CODE.pattern}$(?!\n)"
"""For msgspec and JSON Schema alike: there ``$`` may stand before a final newline, hence the look-ahead."""
ROUTER_CODE: Final = "320000-router"
"""The network service that signs receipts; it is in the directory like any other node."""

REGISTRY_ADDRESS: Final = "32.00.00.registry"
"""Where directory and rosters are delivered: everybody's, so nobody's inbox."""
SCORE_ADDRESS: Final = "32.00.00.score"
PRESENCE_ADDRESS: Final = "32.00.00.presence"


def address_of(code: str) -> str:
    """Return the bus address of a node code; raise ``ValueError`` where it is not one."""
    found = _CODE.fullmatch(code)
    if found is None:
        raise ValueError(f"not a node code: {code!r:.40}")
    return f"{found[1]}.{found[2]}.{found[3]}.{found[4] or _OFFICE}"


def code_of(address: str) -> str:
    """Return the node code of a bus address; raise ``ValueError`` where it is not one."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"not an address: {address!r:.40}")
    area = found[1] + found[2] + found[3]
    return area if found[4] == _OFFICE else f"{area}-{found[4]}"


def routing_key(code: str, kind: str) -> str:
    """Return ``<address>.<kind>``, the key on both topic exchanges."""
    return f"{address_of(code)}.{kind}"


def split_routing_key(key: str) -> tuple[str, str]:
    """Return ``(code, kind)`` of a routing key; raise ``ValueError`` where it is not one."""
    address, _, kind = key.rpartition(".")
    return code_of(address), kind
