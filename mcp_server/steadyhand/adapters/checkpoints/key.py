"""The key that signs checkpoints: Ed25519, from the environment or a file, never in the store."""

import base64
import binascii
from typing import TYPE_CHECKING

from pydantic import SecretStr

from steadyhand.ports import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_BYTES = 32


class Ed25519Key:
    """Signs with a seed of 32 bytes, given as base64. Raises ConfigError for anything else."""

    def __init__(self, seed: SecretStr, where: str) -> None:
        self._key = _private(_decoded(seed.get_secret_value(), where))
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        """The signature of these bytes."""
        return self._key.sign(message)


def _private(seed: bytes) -> "Ed25519PrivateKey":
    # Where nothing is signed, nothing of this is loaded.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey.from_private_bytes(seed)


def _decoded(text: str, where: str) -> bytes:
    padded = text.strip().translate(str.maketrans("-_", "+/"))
    padded += "=" * (-len(padded) % 4)
    try:
        seed = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != _BYTES:
        raise ConfigError(f"{where} must hold {_BYTES} bytes in base64: openssl rand -base64 {_BYTES}")
    return seed
