"""DSSE: both forms, the PAE, and an independent implementation on the other side."""

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from proto.envelope import Envelope, Signature, digest_of, from_json, kind_of, pae, payload_type_of, seal, unpack
from proto.errors import Reason, RefusedError
from proto.messages import KINDS
from services.kit.crypto import PrivateKey, keyid_of, load_public
from tests.world import KUNSHAN, World, fixed_world

SIGNATURES = st.builds(Signature, st.from_regex(r"[0-9a-f]{64}", fullmatch=True), st.binary(max_size=80))
ENVELOPES = st.builds(
    Envelope, st.text(max_size=100), st.binary(max_size=500), st.lists(SIGNATURES, max_size=4).map(tuple)
)


@pytest.fixture(scope="module")
def world() -> World:
    return fixed_world()


def other_key(key: PrivateKey) -> SSlibKey:
    return SSlibKey(key.keyid, "ed25519", "ed25519", {"public": key.public.hex()})


@given(ENVELOPES)
def test_both_forms_round_trip_to_the_byte(envelope: Envelope) -> None:
    assert unpack(envelope.packed()) == envelope
    assert from_json(envelope.json()) == envelope
    assert unpack(envelope.packed()).packed() == envelope.packed()
    assert from_json(envelope.json()).json() == envelope.json()


def test_pae_of_the_specification() -> None:
    # The test vector of the DSSE protocol document, v1.0.
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected


def test_pae_counts_bytes_not_characters() -> None:
    assert pae("种", "信".encode()) == b"DSSEv1 3 \xe7\xa7\x8d 3 \xe4\xbf\xa1"


@given(st.text(max_size=20), st.binary(max_size=40), st.text(max_size=20), st.binary(max_size=40))
def test_pae_is_unambiguous(kind: str, body: bytes, other_kind: str, other_body: bytes) -> None:
    assert (pae(kind, body) == pae(other_kind, other_body)) == ((kind, body) == (other_kind, other_body))


def test_the_json_form_is_what_dsse_says(world: World) -> None:
    form = json.loads(world.report(KUNSHAN)[1].json())
    assert set(form) == {"payload", "payloadType", "signatures"}
    assert set(form["signatures"][0]) == {"keyid", "sig"}


def test_securesystemslib_verifies_ours(world: World) -> None:
    message, envelope = world.report(KUNSHAN)
    other = OtherEnvelope.from_dict(json.loads(envelope.json()))
    assert other.pae() == envelope.pae()
    assert set(other.verify([other_key(world.node_keys[KUNSHAN])], 1)) == {world.node_keys[KUNSHAN].keyid}
    for sign_off in message.sign_offs:
        statement = OtherEnvelope.from_dict(json.loads(sign_off.json()))
        statement.verify([other_key(world.staff_keys[KUNSHAN, "lead"])], 1)


def test_securesystemslib_verifies_two_signatures(world: World) -> None:
    keys = [world.node_keys[KUNSHAN], world.root]
    other = OtherEnvelope.from_dict(json.loads(seal("heartbeat", b"{}", keys).json()))
    assert len(other.verify([other_key(key) for key in keys], 2)) == 2


def test_securesystemslib_refuses_a_changed_payload(world: World) -> None:
    form = json.loads(world.report(KUNSHAN)[1].json())
    other = OtherEnvelope.from_dict(form)
    other.payload += b" "
    with pytest.raises(VerificationError):
        other.verify([other_key(world.node_keys[KUNSHAN])], 1)


def test_we_verify_what_securesystemslib_signed() -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    key = SSlibKey(keyid_of(public), "ed25519", "ed25519", {"public": public.hex()})
    other = OtherEnvelope("【样例】".encode(), payload_type_of("report"), {})
    other.sign(CryptoSigner(private, key))
    envelope = from_json(json.dumps(other.to_dict()).encode())
    (signature,) = envelope.signatures
    assert signature.keyid == keyid_of(public)
    verifier = load_public("ed25519", public)  # type: ignore[arg-type]
    assert verifier.matches(signature.sig, envelope.pae())
    assert not verifier.matches(signature.sig, envelope.payload)


@pytest.mark.parametrize("kind", [*KINDS, "sign-off", "key-request"])
def test_payload_types(kind: str) -> None:
    assert kind_of(payload_type_of(kind)) == kind
    assert payload_type_of(kind) == f"application/vnd.yizhan.{kind}.v1+json"


@pytest.mark.parametrize(
    "name", ["", "application/json", "application/vnd.yizhan.report.v2+json", "x/vnd.yizhan.report.v1+json"]
)
def test_foreign_payload_types(name: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        kind_of(name)
    assert refusal.value.reason is Reason.PAYLOAD_UNKNOWN_KIND


@pytest.mark.parametrize("reading", [unpack, from_json])
@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_nothing_else(reading: Callable[[bytes], Envelope], data: bytes) -> None:
    with pytest.raises(RefusedError) as refusal:
        reading(data)
    assert refusal.value.reason is Reason.ENVELOPE_MALFORMED


def test_digest_is_sha256() -> None:
    assert digest_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
