"""Keys: making, keeping and using them. Ed25519 (RFC 8032) behind a name that SM2 can stand beside."""

import os
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from proto.envelope import digest_of
from proto.messages import Algorithm
from services.kit.errors import KeyUnusableError

HUMAN_COST: Final = 2**14
"""scrypt N for a passphrase that a person remembers: about 40 ms and 16 MB per try."""
MACHINE_COST: Final = 2**10
"""scrypt N for a random 256-bit secret read from a file, which no amount of stretching makes stronger."""


class Verifier(Protocol):
    """A public key that can check a signature."""

    @property
    def algorithm(self) -> Algorithm:
        """What kind of key it is."""
        ...

    @property
    def public(self) -> bytes:
        """The raw public key."""
        ...

    def matches(self, signature: bytes, data: bytes) -> bool:
        """Tell whether the signature covers the data."""
        ...


class _Ed25519Verifier:
    """libsodium's verification: a third faster than OpenSSL's, which is what the router spends its time on."""

    algorithm: Final = Algorithm.ED25519

    def __init__(self, public: bytes) -> None:
        self.public: Final = public
        self._key = VerifyKey(public)

    def matches(self, signature: bytes, data: bytes) -> bool:
        try:
            self._key.verify(data, signature)
        except (BadSignatureError, ValueError):  # ValueError: not 64 bytes
            return False
        return True


class PrivateKey:
    """An Ed25519 private key; the ``Signer`` of ``proto.envelope``."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public: Final = key.public_key().public_bytes_raw()
        self.keyid: Final = keyid_of(self.public)

    @classmethod
    def generate(cls) -> "PrivateKey":
        """Return a new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: str) -> "PrivateKey":
        """Read an encrypted PKCS#8 key; raise ``KeyUnusableError`` for a wrong passphrase or another kind of key."""
        try:
            key = load_pem_private_key(pem, passphrase.encode())
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyUnusableError from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusableError
        return cls(key)

    def to_pem(self, passphrase: str, cost: int = HUMAN_COST) -> bytes:
        """Return PKCS#8 encrypted under scrypt (RFC 7914) and AES-256-CBC."""
        from Crypto.PublicKey import ECC  # noqa: PLC0415 - large, and no running service makes a key

        twin = ECC.construct(curve="Ed25519", seed=self._key.private_bytes_raw())
        pem = twin.export_key(
            format="PEM",
            passphrase=passphrase.encode(),
            use_pkcs8=True,
            protection="scryptAndAES256-CBC",
            prot_params={"iteration_count": cost},
        )
        return pem.encode() if isinstance(pem, str) else bytes(pem)

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature over ``data``."""
        return self._key.sign(data)


def keyid_of(public: bytes) -> str:
    """Return the key id: SHA-256 of the raw public key, hex."""
    return digest_of(public)


def load_public(algorithm: Algorithm, public: bytes) -> Verifier:
    """Return the verifier for a raw public key; raise ``KeyUnusableError`` where it is not one."""
    match algorithm:
        case Algorithm.ED25519:
            try:
                return _Ed25519Verifier(public)
            except ValueError as error:
                raise KeyUnusableError from error


def write_secret(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # where an interrupted run left a draft of another mode
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # before the rename, or a power cut leaves an empty key
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
