"""Payload bytes ↔ messages, strictly.

Order of the checks, each with its own reason: (1) UTF-8, (2) the envelope's type names a known kind, (3) JSON of that
kind with nothing unknown and no naive time, (4) nothing that ``strict`` refuses: NUL, a key twice, a time far out,
(5) both name one kind, (6) the id is a UUIDv7. A parser's exception never leaks.
"""

from typing import Any, Final, Union
from uuid import UUID

import msgspec

from proto.envelope import Envelope, kind_of
from proto.errors import Reason, RefusedError
from proto.messages import (
    KINDS,
    Approved,
    Bulletin,
    BulletinContent,
    Designation,
    DesignationContent,
    KeyRequest,
    Message,
    ReportContent,
    SignOff,
    Stage,
)
from proto.strict import check_strict

_ENCODER: Final = msgspec.json.Encoder()
_MESSAGE: Final = msgspec.json.Decoder(Union[tuple(KINDS.values())])  # noqa: UP007 - built from the table
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""All that msgspec raises for bytes that are not what they should be."""
_CONTENT: Final = msgspec.json.Decoder(ReportContent)
_BULLETIN: Final = msgspec.json.Decoder(BulletinContent)
_DESIGNATION: Final = msgspec.json.Decoder(DesignationContent)
_SIGN_OFF: Final = msgspec.json.Decoder(SignOff)
_KEY_REQUEST: Final = msgspec.json.Decoder(KeyRequest)
_UUID_VERSION: Final = 7
SIGN_OFF_KIND: Final = "sign-off"
KEY_REQUEST_KIND: Final = "key-request"


class _Head(msgspec.Struct):
    id: UUID


_HEAD: Final = msgspec.json.Decoder(_Head)


def encode(value: msgspec.Struct) -> bytes:
    """Return the JSON bytes of a message or statement: encoded once, by its author."""
    return _ENCODER.encode(value)


def decode(envelope: Envelope) -> Message:
    """Return the message in an envelope whose signatures were or will be checked by the caller."""
    _check_utf8(envelope.payload)  # (1)
    kind = kind_of(envelope.payload_type)
    if kind not in KINDS:  # (2)
        raise RefusedError(Reason.PAYLOAD_UNKNOWN_KIND)
    try:
        message: Message = _MESSAGE.decode(envelope.payload)  # (3)
    except _UNREADABLE as error:
        raise RefusedError(_reason_for(str(error)), _where(str(error))) from error
    check_strict(envelope.payload, message)  # (4)
    if message.kind() != kind:  # (5)
        raise RefusedError(Reason.PAYLOAD_KIND_MISMATCH)
    if message.id.version != _UUID_VERSION:  # (6)
        raise RefusedError(Reason.PAYLOAD_ID_NOT_V7)
    return message


def peek_id(payload: bytes) -> UUID | None:
    """Return the id that a payload claims, for the receipt of one that was refused; None where unreadable."""
    try:
        return _HEAD.decode(payload).id
    except _UNREADABLE:
        return None


def decode_content(content: str) -> ReportContent:
    """Return a report's content and hold it to the rules that need nothing else (Arts. 8, 9)."""
    try:
        encoded = content.encode()
        decoded: ReportContent = _CONTENT.decode(encoded)
        check_strict(encoded, decoded)
    except RefusedError as error:
        raise RefusedError(Reason.REPORT_INVALID, error.detail) from error
    except _UNREADABLE as error:
        text = str(error)
        if _concerns(text, "category"):
            raise RefusedError(Reason.REPORT_NO_CATEGORY) from error
        reason = _reason_for(text)
        raise RefusedError(
            Reason.REPORT_INVALID if reason is Reason.PAYLOAD_MALFORMED else reason, _where(text)
        ) from error
    return decoded


def decode_approved(message: Approved) -> BulletinContent | DesignationContent | str:
    """Return the content that a hub's lead approved; rules are TOML, which whoever scores by them reads."""
    decoder: msgspec.json.Decoder[Any]
    match message:
        case Bulletin():
            decoder = _BULLETIN
        case Designation():
            decoder = _DESIGNATION
        case _:
            return message.content
    try:
        encoded = message.content.encode()
        decoded: BulletinContent | DesignationContent = decoder.decode(encoded)
    except _UNREADABLE as error:
        raise RefusedError(Reason.PAYLOAD_MALFORMED, _where(str(error)) or "content") from error
    check_strict(encoded, decoded)
    return decoded


def check_chain(content: ReportContent, about: UUID | None) -> None:
    """Refuse a continuation that names no report, and a first report that names one (Art. 8)."""
    if (content.stage is Stage.FIRST) != (about is None):
        raise RefusedError(Reason.REPORT_CHAIN)


def decode_sign_off(envelope: Envelope) -> SignOff:
    """Return the statement in a sign-off's envelope."""
    try:
        if kind_of(envelope.payload_type) == SIGN_OFF_KIND:
            statement: SignOff = _SIGN_OFF.decode(envelope.payload)
            check_strict(envelope.payload, statement)
            return statement
    except (*_UNREADABLE, RefusedError) as error:
        raise RefusedError(Reason.SIGN_OFF_INVALID) from error
    raise RefusedError(Reason.SIGN_OFF_INVALID)


def decode_key_request(envelope: Envelope) -> KeyRequest:
    """Return the request in its envelope; its signatures are the caller's to check."""
    if kind_of(envelope.payload_type) != KEY_REQUEST_KIND:
        raise RefusedError(Reason.PAYLOAD_UNKNOWN_KIND)
    try:
        request: KeyRequest = _KEY_REQUEST.decode(envelope.payload)
    except _UNREADABLE as error:
        raise RefusedError(Reason.PAYLOAD_MALFORMED) from error
    check_strict(envelope.payload, request)
    return request


def _check_utf8(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.PAYLOAD_NOT_UTF8) from error


def _reason_for(text: str) -> Reason:
    if text.startswith("Expected `datetime` with a timezone"):
        return Reason.PAYLOAD_NAIVE_TIME
    if text.startswith("Object contains unknown field"):
        return Reason.PAYLOAD_UNKNOWN_FIELD
    if _concerns(text, "kind"):
        return Reason.PAYLOAD_KIND_MISMATCH
    return Reason.PAYLOAD_MALFORMED


def _concerns(text: str, field: str) -> bool:
    """Tell whether a msgspec error is about a field of the outermost object; its text may quote content, so be exact."""
    return text.endswith(f" - at `$.{field}`") or text == f"Object missing required field `{field}`"


def _where(text: str) -> str:
    """Return the JSON path of a msgspec error; its text may quote content, so only the path is kept."""
    _, found, path = text.rpartition(" - at `")
    return path.rstrip("`")[:80] if found else ""
