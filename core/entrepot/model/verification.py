"""Counting and hashing bytes as they pass, and saying whether they are what was declared."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from entrepot.errors import DigestMismatch, SizeMismatch
from entrepot.model.digest import Digest, hasher

if TYPE_CHECKING:
    from entrepot.model.artifact import Artifact


class Verification:
    """Computes sha256 and every declared digest, and no others; holds the size to the byte."""

    __slots__ = ("_declared", "_others", "_sha256", "_size", "count")

    def __init__(self, expected: Artifact) -> None:
        self._size = expected.size
        self._declared = expected.digests
        self.restart()

    def restart(self) -> None:
        """Forget what passed."""
        self.count = 0
        self._sha256 = hashlib.sha256()
        self._others = [(digest, hasher(digest)) for digest in self._declared if digest.algorithm != "sha256"]

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes, or refuse them whole with `SizeMismatch` when they are too many."""
        count = self.count + len(data)
        if self._size is not None and count > self._size:
            raise SizeMismatch(self._size, count, at_least=True)
        self.count = count
        self._sha256.update(data)
        for _, other in self._others:
            other.update(data)

    def finish(self) -> tuple[Digest, ...]:
        """Return the digests, sha256 first, or raise what does not match; size comes before digests."""
        if self._size is not None and self.count != self._size:
            raise SizeMismatch(self._size, self.count)
        computed = (
            Digest("sha256", self._sha256.digest()),
            *(Digest(declared.algorithm, other.digest()) for declared, other in self._others),
        )
        actual = {digest.algorithm: digest for digest in computed}
        for declared in self._declared:
            if actual[declared.algorithm].value != declared.value:
                raise DigestMismatch(declared.algorithm, declared.hex, actual[declared.algorithm].hex)
        return computed
