"""Digests: which algorithms are known, how they are written, which one is preferred."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from entrepot.errors import InvalidMetadata, did_you_mean

if TYPE_CHECKING:
    from _hashlib import HASH

#: Bytes in a digest, by algorithm. blake2b is also published cut to 32 bytes.
LENGTHS: Final = {
    "sha256": (32,),
    "sha512": (64,),
    "sha384": (48,),
    "blake2b": (64, 32),
    "sha224": (28,),
    "sha1": (20,),
    "md5": (16,),
}

#: Of several declared digests the first of these names the bytes: sha256 because storage
#: addresses by it, then from strong to weak.
PREFERENCE: Final = tuple(LENGTHS)

#: Too weak to name bytes alone, unless the operator allows it.
WEAK: Final = frozenset({"sha1", "md5"})


class Digest(NamedTuple):
    """An algorithm's name and the raw bytes it gave."""

    algorithm: str
    value: bytes

    @property
    def hex(self) -> str:
        """The digest as people and indexes write it."""
        return self.value.hex()

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value.hex()}"


def parse_digest(algorithm: str, text: str) -> Digest:
    """Read a digest in hex, of either case; anything else is `InvalidMetadata`."""
    lengths = LENGTHS.get(algorithm)
    if lengths is None:
        raise InvalidMetadata(
            f"digest algorithm {algorithm!r} is not known{did_you_mean(algorithm, LENGTHS)}",
            remedy=f"use one of: {', '.join(LENGTHS)}",
        )
    try:
        value = bytes.fromhex(text)
    except (ValueError, TypeError):
        value = b""
    if len(value) not in lengths or len(text) != 2 * len(value):
        raise InvalidMetadata(
            f"{text!r:.80} is not a {algorithm} digest",
            remedy=f"a {algorithm} digest is {' or '.join(str(2 * n) for n in lengths)} hexadecimal digits",
        )
    return Digest(algorithm, value)


def hasher(digest: Digest) -> HASH | hashlib.blake2b:
    """Start computing what `digest` was computed with."""
    if digest.algorithm == "blake2b":
        return hashlib.blake2b(digest_size=len(digest.value))
    return hashlib.new(digest.algorithm, usedforsecurity=False)
