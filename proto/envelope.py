"""DSSE, the Dead Simple Signing Envelope, v1: bytes signed once and never re-encoded.

One struct serves both forms, since msgspec writes ``bytes`` raw in MessagePack (the bus) and as standard base64 in
JSON (HTTP, exports), which is what the DSSE JSON form asks for. Source: the DSSE specification, protocol v1.0.0.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta, Struct

from proto.errors import Reason, RefusedError
from proto.limits import MAX_ENVELOPE_BYTES, MAX_SIGNATURES
from proto.strict import has_duplicate_key

_TYPE_PREFIX: Final = "application/vnd.yizhan."
_TYPE_SUFFIX: Final = ".v1+json"

KeyId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256 of the raw public key, lower-case hex."""


class Signer(Protocol):
    """Whoever can sign: a node, a person, the root."""

    @property
    def keyid(self) -> str:
        """SHA-256 of the public key, hex."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the raw signature over ``data``."""
        ...


class Signature(Struct, frozen=True, forbid_unknown_fields=True):
    """One signature of an envelope."""

    keyid: KeyId  # whose key; a hint that the verifier looks up, never trusts
    sig: bytes  # raw signature bytes over the PAE


class Envelope(Struct, frozen=True, forbid_unknown_fields=True, rename={"payload_type": "payloadType"}):
    """A DSSE envelope (签名信封): the exact payload bytes and the signatures over them."""

    payload_type: Annotated[str, Meta(max_length=100)]  # application/vnd.yizhan.<kind>.v1+json
    payload: bytes  # the signed bytes, verbatim
    signatures: Annotated[tuple[Signature, ...], Meta(max_length=MAX_SIGNATURES)]

    def pae(self) -> bytes:
        """Return the pre-authentication encoding, the bytes that signatures cover."""
        return pae(self.payload_type, self.payload)

    def packed(self) -> bytes:
        """Return the bus form (MessagePack)."""
        return _MSGPACK.encode(self)

    def json(self) -> bytes:
        """Return the DSSE JSON form, verifiable by any DSSE tool."""
        return _JSON.encode(self)


_MSGPACK: Final = msgspec.msgpack.Encoder()
_JSON: Final = msgspec.json.Encoder()
_FROM_MSGPACK: Final = msgspec.msgpack.Decoder(Envelope)
_FROM_JSON: Final = msgspec.json.Decoder(Envelope)


def payload_type_of(kind: str) -> str:
    """Return the payload type of a kind of message or statement."""
    return f"{_TYPE_PREFIX}{kind}{_TYPE_SUFFIX}"


def kind_of(payload_type: str) -> str:
    """Return the kind named by a payload type; refuse a foreign type."""
    if not (payload_type.startswith(_TYPE_PREFIX) and payload_type.endswith(_TYPE_SUFFIX)):
        raise RefusedError(Reason.PAYLOAD_UNKNOWN_KIND)
    return payload_type[len(_TYPE_PREFIX) : -len(_TYPE_SUFFIX)]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return ``DSSEv1 SP LEN(type) SP type SP LEN(body) SP body``."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(kind: str, payload: bytes, signers: Sequence[Signer]) -> Envelope:
    """Sign ``payload`` with each signer and return the envelope."""
    payload_type = payload_type_of(kind)
    data = pae(payload_type, payload)
    return Envelope(payload_type, payload, tuple(Signature(s.keyid, s.sign(data)) for s in signers))


def unpack(data: bytes) -> Envelope:
    """Read the bus form; refuse what is oversize, malformed, or longer than what it says: a key twice, padding."""
    envelope = _read(_FROM_MSGPACK.decode, data)
    if len(envelope.packed()) != len(data):  # which is as short as MessagePack has it, in whatever order
        raise RefusedError(Reason.ENVELOPE_MALFORMED, "duplicate key or padding")
    return envelope


def from_json(data: bytes) -> Envelope:
    """Read the DSSE JSON form; refuse what is oversize or malformed, or has a key twice."""
    envelope = _read(_FROM_JSON.decode, data)
    if has_duplicate_key(data, envelope):
        raise RefusedError(Reason.ENVELOPE_MALFORMED, "duplicate key")
    return envelope


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as lower-case hex."""
    return sha256(data).hexdigest()


def _read(decode: Callable[[bytes], Envelope], data: bytes) -> Envelope:
    if len(data) > MAX_ENVELOPE_BYTES:
        raise RefusedError(Reason.ENVELOPE_TOO_LARGE, f"{len(data)} > {MAX_ENVELOPE_BYTES} bytes")
    try:
        return decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(Reason.ENVELOPE_MALFORMED) from error
