"""Art. 12: review and sign-off, by the unit's lead where important. Each fault has its own reason, wherever it is met."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from proto.envelope import Envelope, Signature
from proto.messages import Action, Role, Staff
from proto.topology import gateway_grant
from services.cli.network.config import VHOST
from services.kit.broker_admin import BrokerUser, apply_definitions, definitions
from services.kit.crypto import PrivateKey, write_secret
from services.kit.errors import TransientError
from services.kit.ids import new_id
from services.kit.trust.enrol import key_record, revoked, roster, sign_off
from tests.acceptance.acts import content, inbox, refusal
from tests.acceptance.bus_side import publish, publish_nodes, publish_staff, rogue_report, router_refuses, seal
from tests.network import Network
from tests.places import FARMING, KUNSHAN, PROVINCE, SUZHOU, WUXI

LEAD, HEAD = Role.OFFICE_LEAD, Role.UNIT_LEAD
UNIT = FARMING  # whose roster and keys these tests change; what they add hinders nobody
Signed = tuple[str, tuple[Envelope, ...]]


class Former:
    """Keys that once were good: a leaver's, a staff key that was lost, a unit's key that was lost."""

    def __init__(self) -> None:
        self.leaver, self.lost, self.unit = (PrivateKey.generate() for _ in range(3))


@pytest_asyncio.fixture(scope="module")
async def former(network: Network) -> AsyncIterator[Former]:
    """A roster with a leaver and a lost key, a directory with a lost key."""
    keys = Former()
    now = datetime.now(UTC)
    since = now - timedelta(days=90)
    gone = Staff(
        person="leaver", name="【样例】已调离", roles=(LEAD,), full_time=True, since=since, until=now - timedelta(days=1),
        keys=(key_record(keys.leaver.public, since=since),),
    )  # fmt: skip
    lost = msgspec.structs.replace(key_record(keys.lost.public, since=since), revoked_from=now)
    robbed = Staff(
        person="robbed", name="【样例】密钥遗失", roles=(LEAD,), full_time=True, since=since, keys=(lost,)
    )  # fmt: skip
    await publish_staff(network, UNIT, gone, robbed)
    node = network.state.node(UNIT)
    assert node is not None
    node = msgspec.structs.replace(node, keys=(*node.keys, key_record(keys.unit.public, since=since)))
    await publish_nodes(network, revoked(node, keys.unit.keyid, since=now))
    yield keys


async def by(network: Network, text: str, *steps: tuple[str, Role, Action], at: timedelta = timedelta()) -> Signed:
    """Return the content with the sign-offs of some people of the unit."""
    now = datetime.now(UTC) + at
    return text, tuple(
        [
            sign_off(
                text, node=UNIT, person=who, role=role, action=action, at=now, key=await network.people.key(UNIT, who)
            )
            for who, role, action in steps
        ]
    )


async def with_key(network: Network, person: str, key: PrivateKey) -> Signed:
    """Return a content reviewed by the lead and approved by somebody with a key of some kind."""
    text, (reviewed,) = await by(network, content(), ("lead", LEAD, Action.REVIEWED))
    now = datetime.now(UTC)
    return text, (
        reviewed,
        sign_off(text, node=UNIT, person=person, role=LEAD, action=Action.APPROVED, at=now, key=key),
    )


REVIEWED, APPROVED = ("lead", LEAD, Action.REVIEWED), ("lead", LEAD, Action.APPROVED)
IMPORTANT = content(importance="important")
Maker = Callable[[Network, Former], Awaitable[Signed]]


async def unsigned(_: Network, __: Former) -> Signed:
    return content(), ()


async def not_approved(network: Network, _: Former) -> Signed:
    return await by(network, content(), REVIEWED)


async def not_reviewed(network: Network, _: Former) -> Signed:
    return await by(network, content(), APPROVED)


async def important_by_office_only(network: Network, _: Former) -> Signed:
    return await by(network, IMPORTANT, REVIEWED, APPROVED)


async def important_by_head_as_office(network: Network, _: Former) -> Signed:
    return await by(network, IMPORTANT, REVIEWED, ("head", LEAD, Action.APPROVED))


async def role_not_held(network: Network, _: Former) -> Signed:
    return await by(network, IMPORTANT, REVIEWED, ("lead", HEAD, Action.APPROVED))


async def by_officer(network: Network, _: Former) -> Signed:
    return await by(network, content(), REVIEWED, ("officer", Role.INFORMATION_OFFICER, Action.APPROVED))


async def other_content(network: Network, _: Former) -> Signed:
    text, signers = await by(network, content(), REVIEWED, APPROVED)
    return text.replace("一成", "两成"), signers


async def sign_off_altered(network: Network, _: Former) -> Signed:
    text, (reviewed, approved) = await by(network, content(), REVIEWED, APPROVED)
    (good,) = approved.signatures
    bad = Signature(good.keyid, bytes([good.sig[0] ^ 1]) + good.sig[1:])
    return text, (reviewed, msgspec.structs.replace(approved, signatures=(bad,)))


async def by_leaver(network: Network, former: Former) -> Signed:
    return await with_key(network, "leaver", former.leaver)


async def revoked_staff_key(network: Network, former: Former) -> Signed:
    return await with_key(network, "robbed", former.lost)


async def with_anothers_key(network: Network, _: Former) -> Signed:
    return await with_key(network, "lead", await network.people.key(UNIT, "officer"))


async def by_a_stranger(network: Network, _: Former) -> Signed:
    return await with_key(network, "stranger", PrivateKey.generate())


async def by_another_units_lead(network: Network, _: Former) -> Signed:
    return await with_key(network, "lead", await network.people.key(SUZHOU, "lead"))


async def signed_tomorrow(network: Network, _: Former) -> Signed:
    return await by(network, content(), REVIEWED, APPROVED, at=timedelta(days=1))


FAULTS: dict[str, tuple[Maker, ...]] = {
    "sign_off.missing": (unsigned, not_approved, not_reviewed, by_officer),
    "sign_off.unit_lead_missing": (important_by_office_only,),
    "sign_off.role_not_held": (role_not_held, important_by_head_as_office),
    "sign_off.digest_mismatch": (other_content,),
    "sign_off.invalid": (sign_off_altered,),
    "sign_off.not_in_office": (by_leaver,),
    "sign_off.key_revoked": (revoked_staff_key,),
    "sign_off.key_unknown": (with_anothers_key, by_another_units_lead),
    "sign_off.unknown_person": (by_a_stranger,),
    "sign_off.wrong_time": (signed_tomorrow,),
}
CASES = [pytest.param(make, reason, id=make.__name__) for reason, makers in FAULTS.items() for make in makers]


@pytest.mark.parametrize(("make", "reason"), CASES)
async def test_gateway_refuses(network: Network, former: Former, make: Maker, reason: str) -> None:
    text, signers = await make(network, former)
    item = uuid4()
    body = {"id": item, "content": text, "sign_offs": [msgspec.Raw(s.json()) for s in signers]}
    call = network.people.call(UNIT, "officer", "POST", f"/api/v1/nodes/{UNIT}/reports", body)
    assert await refusal(call) == (422, reason)
    gone = network.people.call(UNIT, "officer", "GET", f"/api/v1/nodes/{UNIT}/items/{item}")
    assert await refusal(gone) == (404, "item.unknown")


@pytest.mark.parametrize(("make", "reason"), CASES)
async def test_router_refuses_what_a_rogue_gateway_lets_pass(
    network: Network, former: Former, make: Maker, reason: str
) -> None:
    text, signers = await make(network, former)
    assert await router_refuses(network, UNIT, await rogue_report(network, UNIT, text, sign_offs=signers)) == reason


async def test_one_byte_altered(network: Network) -> None:
    good = await rogue_report(network, UNIT)
    payload = bytearray(good.payload)
    payload[payload.index("【样例】".encode()) + 3] ^= 1
    assert (
        await router_refuses(network, UNIT, msgspec.structs.replace(good, payload=bytes(payload)))
        == "signature.invalid"
    )


async def test_no_signature_of_the_unit(network: Network) -> None:
    good = await rogue_report(network, UNIT)
    assert await router_refuses(network, UNIT, msgspec.structs.replace(good, signatures=())) == "signature.missing"


async def test_revoked_key_of_the_unit(network: Network, former: Former) -> None:
    assert await router_refuses(network, UNIT, await rogue_report(network, UNIT, key=former.unit)) == "key.revoked"


async def test_back_dating_does_not_revive_a_revoked_key(network: Network, former: Former) -> None:
    earlier = datetime.now(UTC) - timedelta(days=30)
    envelope = await rogue_report(network, UNIT, key=former.unit, sent_at=earlier)
    assert await router_refuses(network, UNIT, envelope) == "key.revoked"


async def test_key_that_nobody_knows(network: Network) -> None:
    envelope = await rogue_report(network, UNIT, key=PrivateKey.generate())
    assert await router_refuses(network, UNIT, envelope) == "key.unknown"


async def test_impersonation_with_another_units_key(network: Network) -> None:
    """The unit that was named learns of it."""
    envelope = await rogue_report(network, SUZHOU, key=network.node_key(WUXI))
    assert await router_refuses(network, SUZHOU, envelope) == "key.not_of_origin"


async def test_impersonation_under_another_units_address(network: Network) -> None:
    envelope = await rogue_report(network, SUZHOU)
    assert await router_refuses(network, WUXI, envelope) == "sender.wrong_gateway"


async def test_impersonation_by_another_gateway(network: Network) -> None:
    """Its broker user may say nothing as Suzhou at all, and as Wuxi it is not whom the directory names."""
    write_secret(network.place.secrets / "amqp-foreign", b"foreign")
    foreign = BrokerUser(name="foreign", password="foreign", grant=gateway_grant([WUXI]))
    await apply_definitions(network.rabbit.admin_url, definitions(VHOST, network.codes, [foreign]))
    envelope = await rogue_report(network, SUZHOU)
    with pytest.raises(TransientError):
        await publish(network, (SUZHOU, "report", envelope), user="foreign")
    envelope = await rogue_report(network, WUXI)
    assert await router_refuses(network, WUXI, envelope, user="foreign") == "sender.wrong_gateway"


async def test_refused_report_is_delivered_nowhere(network: Network) -> None:
    bad = await rogue_report(network, UNIT, sign_offs=())
    assert await router_refuses(network, UNIT, bad) == "sign_off.missing"
    await inbox(network, PROVINCE, await network.submit(UNIT, content()))  # what came after it has arrived
    path = f"/api/v1/nodes/{PROVINCE}/inbox/{msgspec.json.decode(bad.payload)['id']}"
    assert await refusal(network.people.call(PROVINCE, "officer", "GET", path)) == (404, "message.unknown")


async def test_important_report_with_the_heads_approval_passes(network: Network) -> None:
    message = await network.submit(KUNSHAN, content(importance="important"))
    accepted = await network.receipt(KUNSHAN, message, "accepted")
    assert accepted["giver"] == "320000-router"
    for hub in (SUZHOU, PROVINCE):
        assert (await inbox(network, hub, message))["content"]["importance"] == "important"


async def test_leaver_cannot_sign_in(network: Network, former: Former) -> None:
    """The roster decides, not the account."""
    password = network.people.password
    like = next(a for a in network.people.accounts if (a.node, a.person) == (UNIT, "lead"))
    account = msgspec.structs.replace(like, person="leaver", key_pem=former.leaver.to_pem(password))
    await network.people.operator("gateway", "PUT", "/api/v1/accounts", [account])
    body = {"node": UNIT, "person": "leaver", "password": password}
    call = network.people.request("gateway", "POST", "/api/v1/sessions", token="", body=body)
    assert await refusal(call) == (401, "auth.wrong")


async def test_nobody_is_taken_off_the_roster(network: Network, former: Former) -> None:
    """What a leaver signed in office must stay checkable."""
    assert former.leaver
    staff = [one for one in network.state.staff_of(UNIT) if one.person != "leaver"]
    version = network.state.roster_version(UNIT) + 1
    listed = roster(UNIT, staff, version=version, id=new_id(), at=datetime.now(UTC))
    call = network.people.operator("gateway", "POST", "/api/v1/envelopes", seal(network, listed).json())
    assert await refusal(call) == (422, "registry.invalid")
