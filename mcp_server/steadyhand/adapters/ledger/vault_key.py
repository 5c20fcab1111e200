"""The key of the vault: from the environment or a file of the service, never in the store.

Values are sealed by AES-256 in Galois/Counter mode (NIST SP 800-38D), bound to their incident and their
placeholder, so that a row moved elsewhere opens nowhere. Marks are HMAC-SHA-256 (RFC 2104).
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from steadyhand.ports import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SHORTEST = 32  # characters of a given key
_NONCE = 12  # bytes


class VaultKey:
    """Seals values and marks them; the key is read, or made, when the first value is met."""

    def __init__(self, path: Path, given: SecretStr | None = None) -> None:
        self._path = path
        self._given = given

    def mark(self, incident: str, value: str) -> str:
        """By what a value is known again in its incident, and in no other; it tells nobody the value."""
        told = f"{incident}\n{value}".encode(errors="replace")
        return hmac.new(self._part(b"mark"), told, hashlib.sha256).hexdigest()

    def seal(self, incident: str, name: str, value: str) -> str:
        """The value as the store may hold it."""
        nonce = secrets.token_bytes(_NONCE)
        told = value.encode(errors="replace")
        sealed = self._cipher.encrypt(nonce, told, _place(incident, name))
        return base64.b64encode(nonce + sealed).decode()

    def unseal(self, incident: str, name: str, sealed: str) -> str | None:
        """The value; None when another key sealed it, or the row is not what it was."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 -- loaded where it is needed

        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _place(incident, name)).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 -- same

        return AESGCM(self._part(b"seal"))

    def _part(self, use: bytes) -> bytes:
        return hmac.new(self._key, use, hashlib.sha256).digest()

    @cached_property
    def _key(self) -> bytes:
        key = self._given.get_secret_value().strip() if self._given else _kept(self._path)
        if len(key) < _SHORTEST:
            where = "the variable that store.vault_key_env names" if self._given else str(self._path)
            raise ConfigError(f"{where} must hold at least {_SHORTEST} characters: openssl rand -base64 32")
        return key.encode()


def _place(incident: str, name: str) -> bytes:
    return f"{incident}\n{name}".encode()


def _kept(path: Path) -> str:
    """The key in this file, made for its owner alone where there is none; the first of several makes it."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(32))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text(encoding="ascii").strip()
