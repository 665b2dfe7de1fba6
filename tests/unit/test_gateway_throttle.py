"""Failed sign-ins slow down, and a stranger locks nobody out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.throttle import (
    ADDRESS_BURST,
    ADDRESS_INTERVAL,
    BURST,
    INTERVAL,
    Doorkeeper,
    Proxies,
    Throttle,
)
from tests.places import KUNSHAN, WUXI

WHO = (KUNSHAN, "officer")
HERE, THERE = "192.0.2.1", "198.51.100.7"


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_more_than_a_burst_and_the_rate(pauses: list[float]) -> None:
    throttle, now, passed = Throttle(3, 10.0, 100), 0.0, list[float]()
    for pause in pauses:
        now += pause
        if not throttle.wait("key", now):
            throttle.charge("key", now)
            passed.append(now)
    for start in passed:
        assert sum(start <= at < start + 50 for at in passed) <= 3 + 5


def test_after_the_wait_that_was_told_it_goes_on() -> None:
    door, now = Doorkeeper(), 1000.0
    for _ in range(BURST):
        assert door.knock(WHO, THERE, known=False, now=now) == 0
    wait = door.knock(WHO, THERE, known=False, now=now)
    assert 0 < wait <= INTERVAL
    assert door.knock(WHO, THERE, known=False, now=now + wait / 2) > 0
    assert door.knock(WHO, THERE, known=False, now=now + wait) == 0


def test_many_addresses_do_not_help_against_one_account() -> None:
    door = Doorkeeper()
    tries = [door.knock(WHO, f"192.0.2.{number}", known=False, now=0) for number in range(100)]
    assert tries.count(0) == BURST


def test_many_accounts_do_not_help_from_one_address() -> None:
    door = Doorkeeper()
    tries = [door.knock((KUNSHAN, f"p{number}"), THERE, known=False, now=0) for number in range(100)]
    assert tries.count(0) == ADDRESS_BURST
    assert max(tries) <= ADDRESS_INTERVAL


def test_a_stranger_locks_nobody_out_where_they_are_known() -> None:
    door = Doorkeeper()
    while not door.knock(WHO, THERE, known=False, now=0):
        pass
    assert door.knock(WHO, HERE, known=True, now=0) == 0
    assert door.knock((WUXI, "officer"), HERE, known=False, now=0) == 0
    failures = [door.knock(WHO, HERE, known=True, now=0) for _ in range(50)]
    assert failures.count(0) == BURST - 1, "there, too, guessing slows down"


def test_the_right_password_costs_nothing() -> None:
    door = Doorkeeper()
    for _ in range(1000):
        assert door.knock(WHO, THERE, known=False, now=0) == 0
        door.welcome(WHO, THERE, known=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", ""])
def test_this_machine_is_not_slowed_as_a_whole(address: str) -> None:
    door = Doorkeeper()
    assert not any(door.knock((KUNSHAN, f"p{number}"), address, known=False, now=0) for number in range(100))
    while not door.knock(WHO, address, known=False, now=0):
        pass


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    throttle = Throttle(1, 10.0, 100)
    for number in range(1000):
        throttle.charge(number, 0.0)
    assert len(throttle) == 100
    assert throttle.wait(999, 0.0) > 0
    assert throttle.wait(0, 0.0) == 0
    throttle.refund(0)
    assert len(throttle) == 100


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "192.0.2.9", "198.51.100.7"),  # no proxy of ours: what it says of itself is nothing
        ("10.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("10.0.0.1", "1.2.3.4, 192.0.2.9", "192.0.2.9"),  # what stands before the proxy's own word anybody can write
        ("10.0.0.1", "192.0.2.9, 10.0.0.2", "192.0.2.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", ""),
        ("::ffff:10.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("::1", "", "::1"),
        ("", "", ""),
    ],
)
def test_who_is_asking(peer: str, forwarded: str, client: str) -> None:
    assert Proxies("10.0.0.0/8, 2001:db8:ffff::/48").client(peer, forwarded) == client


def test_a_wrong_list_of_proxies() -> None:
    with pytest.raises(ValueError, match="proxy"):
        Proxies("127.0.0.1, proxy.example")
