"""Counting and hashing what comes in, and saying whether it is what was declared."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from entrepot.errors import DigestMismatch, SizeMismatch
from entrepot.model.digest import Digest, hasher

if TYPE_CHECKING:
    from entrepot.model.artifact import Artifact


class Verifier:
    """Takes a body piece by piece; sha256 and the declared digests are computed, no others."""

    def __init__(self, expected: Artifact) -> None:
        self._size = expected.size
        self._declared = expected.digests
        self.restart()

    def restart(self) -> None:
        """Forget all pieces."""
        self.count = 0
        self._sha256 = hashlib.sha256()
        self._others = [(digest, hasher(digest)) for digest in self._declared if digest.algorithm != "sha256"]

    def update(self, data: bytes | memoryview) -> None:
        """Take the next piece, or raise `SizeMismatch` when it goes past the declared size."""
        self.count += len(data)
        if self._size is not None and self.count > self._size:
            raise SizeMismatch(self._size, self.count, at_least=True)
        self._sha256.update(data)
        for _, other in self._others:
            other.update(data)

    def finish(self) -> tuple[Digest, ...]:
        """Return the digests, sha256 first, or raise what does not match; size comes before digests."""
        if self._size is not None and self.count != self._size:
            raise SizeMismatch(self._size, self.count)
        found = Digest("sha256", self._sha256.digest())
        computed = (found, *(Digest(declared.algorithm, other.digest()) for declared, other in self._others))
        for declared in self._declared:
            actual = next(digest for digest in computed if digest.algorithm == declared.algorithm)
            if actual.value != declared.value:
                raise DigestMismatch(declared.algorithm, declared.hex, actual.hex)
        return computed
