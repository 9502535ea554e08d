"""Signs with a key of one's own, as apt verifies it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
from pysequoia import SignatureMode, Tsk, sign

from entrepot.plugin import ConfigurationError

_REMEDY = (
    "write a secret key without a passphrase there, readable by entrepot alone: gpg --armor --export-secret-keys KEY"
)


@attrs.frozen
class SigningKey:
    """A secret key. Its text stands nowhere: neither in a repr nor in an error."""

    _key: Tsk = attrs.field(repr=False)

    @property
    def public(self) -> bytes:
        """The public key, armoured, for clients."""
        return str(self._key.extract_certificate()).encode()

    def inline(self, text: bytes) -> bytes:
        """Sign a text so that it can be read: an InRelease."""
        return bytes(sign(self._key.signer(), text, mode=SignatureMode.CLEAR))

    def detached(self, text: bytes) -> bytes:
        """Make a signature that stands apart: a Release.gpg."""
        return bytes(sign(self._key.signer(), text, mode=SignatureMode.DETACHED))


async def read_signing_key(file: Path) -> SigningKey:
    """Read one, binary or armoured, and try it; what is none is a `ConfigurationError`."""
    try:
        data = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from error
    try:
        key = Tsk.from_bytes(data)
    except Exception:  # the library names no types of errors
        key = None
    # What the library says could have a part of the key in it, so nothing is raised from that.
    if key is None:
        raise _unusable(file, "holds no key")
    try:
        key.signer()
    except Exception:  # the library names no types of errors
        key = None
    if key is None:
        raise _unusable(file, "holds no secret key that can sign without a passphrase")
    return SigningKey(key)


def _unusable(file: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"the signing_key {why}", where=str(file), remedy=_REMEDY)
