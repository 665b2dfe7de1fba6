"""Failed sign-ins slow down: for an account, and for a remote address. Pure; the time is passed in.

Each attempt is charged before the password is checked, so that many at once gain nothing, and given back when it was
right. The bound is GCRA, the generic cell rate algorithm (ITU-T I.371): a burst, then one every so many seconds.

A stranger must not lock a person out. From an address at which the person has signed in before, only failures at that
address count, so that others' failures elsewhere change nothing there. Nothing depends on whether an account exists.
"""

from collections.abc import Hashable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

BURST: Final = 10  # failures of an account before it slows down
INTERVAL: Final = 10.0  # seconds for each one more
ADDRESS_BURST: Final = 30  # failures from an address, where a whole office may sit
ADDRESS_INTERVAL: Final = 4.0
MOST: Final = 20_000  # accounts, and addresses, that are remembered: a few MB at most
_SITE: Final = 64  # bits of an IPv6 address that one holder of addresses has in common

Account = tuple[str, str]
"""(node, person), as typed."""


class Throttle:
    """GCRA for many keys; the key that was not charged for longest is forgotten first."""

    def __init__(self, burst: int, interval: float, most: int) -> None:
        self._allowance = (burst - 1) * interval
        self._interval = interval
        self._most = most
        self._due: dict[Hashable, float] = {}  # when all that was charged will have been worked off

    def wait(self, key: Hashable, now: float) -> float:
        """Return in how many seconds the key may be charged; 0 for now."""
        return max(0.0, self._due.get(key, now) - now - self._allowance)

    def charge(self, key: Hashable, now: float) -> None:
        """Charge one attempt."""
        due = max(self._due.pop(key, now), now) + self._interval
        if len(self._due) >= self._most:
            del self._due[next(iter(self._due))]
        self._due[key] = due

    def refund(self, key: Hashable) -> None:
        """Give one attempt back."""
        if key in self._due:
            self._due[key] -= self._interval

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._due)


class Doorkeeper:
    """Decides whether somebody may try a password now."""

    def __init__(self, most: int = MOST) -> None:
        self._accounts = Throttle(BURST, INTERVAL, most)
        self._addresses = Throttle(ADDRESS_BURST, ADDRESS_INTERVAL, most)

    def knock(self, account: Account, address: str, *, known: bool, now: float) -> float:
        """Return in how many seconds to come back; 0: the attempt is charged and may go on."""
        doors = self._doors(account, address, known=known)
        wait = max(throttle.wait(key, now) for throttle, key in doors)
        if not wait:
            for throttle, key in doors:
                throttle.charge(key, now)
        return wait

    def welcome(self, account: Account, address: str, *, known: bool) -> None:
        """Take the charge back: the password was right."""
        for throttle, key in self._doors(account, address, known=known):
            throttle.refund(key)

    def _doors(self, account: Account, address: str, *, known: bool) -> list[tuple[Throttle, Hashable]]:
        if known:
            return [(self._accounts, (*account, address))]
        doors: list[tuple[Throttle, Hashable]] = [(self._accounts, account)]
        # This very machine: its own tools, or a reverse proxy behind which all would be slowed together.
        return doors if not address or ip_network(address).is_loopback else [*doors, (self._addresses, address)]


class Proxies:
    """The reverse proxies whose ``X-Forwarded-For`` is believed."""

    def __init__(self, listed: str) -> None:
        self._networks = [ip_network(part.strip()) for part in listed.split(",") if part.strip()]

    def client(self, peer: str, forwarded: str) -> str:
        """Return the address of who asks, as a network (IPv6: of the site); empty where it cannot be known.

        ``peer`` is who connected. Of ``forwarded`` the last entry that is not of a proxy of ours counts: what stands
        before it anybody can write.
        """
        address = _parsed(peer)
        hops = [part.strip() for part in forwarded.split(",") if part.strip()]
        while address is not None and hops and any(address in network for network in self._networks):
            address = _parsed(hops.pop())
        if address is None:
            return ""
        if address.version == 6 and not address.is_loopback:  # noqa: PLR2004 - its own name
            return str(ip_network(f"{address}/{_SITE}", strict=False))
        return str(address)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
