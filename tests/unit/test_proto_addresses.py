import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proto.addresses import (
    CODE_PATTERN,
    PRESENCE_ADDRESS,
    REGISTRY_ADDRESS,
    ROUTER_CODE,
    address_of,
    code_of,
    routing_key,
    split_routing_key,
)
from proto.messages import KINDS
from tests.places import PLACES

AREAS = st.from_regex(r"[0-9]{6}", fullmatch=True)
SLUGS = st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True).filter(lambda slug: slug != "gov")
CODES = AREAS | st.builds("{}-{}".format, AREAS, SLUGS)
ADDRESSES = st.from_regex(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[a-z][a-z0-9]{0,15}", fullmatch=True)


@given(CODES)
def test_code_to_address_and_back(code: str) -> None:
    assert code_of(address_of(code)) == code


@given(ADDRESSES)
def test_address_to_code_and_back(address: str) -> None:
    assert address_of(code_of(address)) == address


@given(CODES, CODES)
def test_two_codes_never_share_an_address(one: str, other: str) -> None:
    assert (address_of(one) == address_of(other)) == (one == other)


@given(st.text(max_size=30) | st.from_regex(CODE_PATTERN))
def test_what_the_pattern_admits_has_an_address_and_nothing_else(code: str) -> None:
    if re.search(CODE_PATTERN, code):
        assert re.fullmatch(r"[0-9.a-z]+", address_of(code))
    else:
        with pytest.raises(ValueError, match="not a node code"):
            address_of(code)


@given(CODES, st.sampled_from(sorted(KINDS)))
def test_routing_keys(code: str, kind: str) -> None:
    key = routing_key(code, kind)
    assert split_routing_key(key) == (code, kind)
    assert key.count(".") == 4, "the bindings count on five words"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "320583\n",
        "32058",
        "3205833",
        "320583-",
        "320583-gov",
        "320583-FGW",
        "320583-1a",
        "３２０５８３",
        "320583-" + "a" * 17,
    ],
)
def test_not_a_code(code: str) -> None:
    with pytest.raises(ValueError, match="not a node code"):
        address_of(code)


@pytest.mark.parametrize("address", ["", "32.05.83", "32.05.83.gov\n", "32.05.83.gov.x", "32.05.83.*", "32.05.#"])
def test_not_an_address(address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        code_of(address)


def test_the_examples_of_the_design() -> None:
    assert address_of("320583") == "32.05.83.gov"
    assert address_of("320000-fgw") == "32.00.00.fgw"


def test_nobody_lives_at_the_addresses_of_all() -> None:
    taken = {address_of(place[0]) for place in PLACES} | {address_of(ROUTER_CODE)}
    assert not taken & {REGISTRY_ADDRESS, PRESENCE_ADDRESS}
