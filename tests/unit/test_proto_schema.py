"""The committed JSON Schemas: not adrift, valid themselves, true to good messages, and useful against bad ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from proto import codec, schema
from proto.envelope import from_json, unpack
from proto.errors import RefusedError
from tests.assets import make_vectors

GOLDEN = sorted((make_vectors.FOLDER / "golden").glob("*.json"))
CAUGHT_BY_SCHEMA = [
    "code-in-fullwidth-digits", "code-named-gov", "code-with-newline", "fraction-as-count", "giant-integer",
    "id-not-a-uuid", "integer-beyond-the-store", "kind-missing", "missing-field", "naive-time", "negative-count",
    "null-origin", "payload-is-a-list", "recipient-pattern", "time-as-number", "unknown-field", "directory-version-zero",
]  # fmt: skip
CONTENT_CAUGHT_BY_SCHEMA = [
    "no-category", "unknown-category", "content-unknown-field", "content-naive-time", "content-no-title",
    "content-no-source", "content-enum-that-says-timezone", "joint-too-many", "joint-no-code",
]  # fmt: skip
ENVELOPES_CAUGHT_BY_SCHEMA = ["five-signatures", "envelope-unknown-field", "keyid-in-capitals", "keyid-with-newline"]


def validator(kind: str) -> Draft202012Validator:
    text = (schema.FOLDER / schema.file_name(kind)).read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text), format_checker=Draft202012Validator.FORMAT_CHECKER)


def hostile(name: str) -> bytes:
    vector = json.loads((make_vectors.FOLDER / "hostile" / f"{name}.json").read_text(encoding="utf-8"))
    return bytes.fromhex(vector["bytes"])


def test_no_drift() -> None:
    assert schema.drift() == []


def test_drift_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    schema.write(tmp_path)
    assert schema.drift(tmp_path) == []
    (tmp_path / "report.v1.json").write_text("{}", encoding="utf-8")
    (tmp_path / "roster.v1.json").unlink()
    (tmp_path / "telegram.v1.json").write_text("{}", encoding="utf-8")
    assert schema.drift(tmp_path) == ["report.v1.json", "roster.v1.json", "telegram.v1.json"]
    monkeypatch.setattr(schema, "drift", lambda: ["report.v1.json"])
    assert schema.main(["--check"]) == 1
    assert "report.v1.json" in capsys.readouterr().err
    schema.write(tmp_path)
    assert not (tmp_path / "telegram.v1.json").exists()


def test_check_passes() -> None:
    assert schema.main(["--check"]) == 0


@pytest.mark.parametrize("path", sorted(schema.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_each_is_a_schema(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_good_messages_pass(path: Path) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    message: dict[str, Any] = vector["message"]
    validator(message["kind"]).validate(message)
    validator("envelope").validate(vector["dsse"])
    if message["kind"] == "report":
        validator("report-content").validate(json.loads(message["content"]))
        for sign_off in message["sign_offs"]:
            statement = from_json(json.dumps(sign_off).encode())
            validator("sign-off").validate(json.loads(statement.payload))


def test_a_key_request_passes() -> None:
    request = unpack(hostile("request-not-by-new-key"))  # its form is good, its signature is not
    validator("key-request").validate(json.loads(request.payload))


@pytest.mark.parametrize("name", CAUGHT_BY_SCHEMA)
def test_flawed_messages_fail(name: str) -> None:
    envelope = unpack(hostile(name))
    kind = envelope.payload_type.split(".")[2]
    with pytest.raises(RefusedError):
        codec.decode(envelope)
    assert not validator(kind).is_valid(_loads(envelope.payload))


@pytest.mark.parametrize("name", CONTENT_CAUGHT_BY_SCHEMA)
def test_flawed_contents_fail(name: str) -> None:
    report = json.loads(unpack(hostile(name)).payload)
    validator("report").validate(report)
    assert not validator("report-content").is_valid(json.loads(report["content"]))


@pytest.mark.parametrize("name", ENVELOPES_CAUGHT_BY_SCHEMA)
def test_flawed_envelopes_fail(name: str) -> None:
    good = json.loads((make_vectors.FOLDER / "golden" / "heartbeat.json").read_text(encoding="utf-8"))["dsse"]
    (signature,) = good["signatures"]
    flaws: dict[str, dict[str, Any]] = {
        "five-signatures": {"signatures": [signature] * 5},
        "envelope-unknown-field": {"algorithm": "none"},
        "keyid-in-capitals": {"signatures": [signature | {"keyid": signature["keyid"].upper()}]},
        "keyid-with-newline": {"signatures": [signature | {"keyid": signature["keyid"] + "\n"}]},
    }
    assert not validator("envelope").is_valid(good | flaws[name])


def _loads(payload: bytes) -> Any:
    return json.loads(payload.replace(b"9" * 5000, b"9" * 4000))  # Python reads no more than 4300 digits
