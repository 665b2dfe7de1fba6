import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from proto.messages import Algorithm
from services.kit.crypto import MACHINE_COST, PrivateKey, keyid_of, load_public, write_secret
from services.kit.errors import KeyUnusableError

PASSPHRASE = "昆山 and a space"
UNKNOWN_KEY_TYPE = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2UjBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END PRIVATE KEY-----
"""  # PKCS#8 with an object identifier that is no key type


def foreign(key: object, passphrase: bytes | None) -> bytes:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)  # type: ignore[attr-defined, no-any-return]


def test_there_and_back() -> None:
    key = PrivateKey.generate()
    pem = key.to_pem(PASSPHRASE, MACHINE_COST)
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    again = PrivateKey.from_pem(pem, PASSPHRASE)
    assert (again.public, again.keyid) == (key.public, key.keyid)
    assert again.sign(b"x") == key.sign(b"x")


def test_two_files_of_one_key_differ() -> None:
    key = PrivateKey.generate()
    assert key.to_pem(PASSPHRASE, MACHINE_COST) != key.to_pem(PASSPHRASE, MACHINE_COST)


@pytest.mark.parametrize("passphrase", ["", "wrong", PASSPHRASE + " "])
def test_wrong_passphrase(passphrase: str) -> None:
    pem = PrivateKey.generate().to_pem(PASSPHRASE, MACHINE_COST)
    with pytest.raises(KeyUnusableError):
        PrivateKey.from_pem(pem, passphrase)


@pytest.mark.parametrize(
    "pem",
    [
        b"", b"\xff", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", UNKNOWN_KEY_TYPE,
        foreign(ed448.Ed448PrivateKey.generate(), b"x"), foreign(ec.generate_private_key(ec.SECP256R1()), b"x"),
        foreign(ec.generate_private_key(ec.SECP256R1()), None),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of key types never used here
def test_not_a_key_of_a_known_kind(pem: bytes) -> None:
    with pytest.raises(KeyUnusableError):
        PrivateKey.from_pem(pem, "x")


def test_the_default_cost_opens_too() -> None:
    key = PrivateKey.generate()
    assert PrivateKey.from_pem(key.to_pem("x"), "x").keyid == key.keyid


def test_matching() -> None:
    key = PrivateKey.generate()
    verifier = load_public(Algorithm.ED25519, key.public)
    signature = key.sign(b"data")
    assert verifier.matches(signature, b"data")
    for wrong in (b"", signature[:-1], signature + b"\0", bytes(64), b"\xff" * 64):
        assert not verifier.matches(wrong, b"data")
    assert not verifier.matches(signature, b"date")
    assert len(key.keyid) == 64
    assert key.keyid == keyid_of(key.public)


@pytest.mark.parametrize("public", [b"", b"x" * 31, b"x" * 33])
def test_not_a_public_key(public: bytes) -> None:
    with pytest.raises(KeyUnusableError):
        load_public(Algorithm.ED25519, public)


def test_rfc_8032_first_vector() -> None:
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert load_public(Algorithm.ED25519, public).matches(signature, b"")


def test_a_secret_is_its_owners_alone_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "node.pem"
    write_secret(path, b"first")
    left_over = path.with_name("node.pem.new")
    left_over.write_bytes(b"of an interrupted run, and longer")
    left_over.chmod(0o644)
    write_secret(path, b"second")
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
