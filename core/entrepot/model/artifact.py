"""Artifacts: bytes, known by digest and size."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

import attrs

from entrepot.errors import InvalidMetadata
from entrepot.model.digest import PREFERENCE, WEAK, Digest, parse_digest

_TOO_LARGE: Final = 2**63

_others = attrgetter(*PREFERENCE[1:])
_NO_OTHERS: Final = (None,) * (len(PREFERENCE) - 1)


@attrs.frozen
class Artifact:
    """Bytes as an upstream declares them: any of the digests, and the size.

    Digests are hexadecimal; they are checked and kept in lower case. `file` is a local file that
    already holds the bytes. All that is given is verified before the bytes are kept. An artifact
    of which nothing is known is allowed: what it is shows once it is downloaded.
    """

    sha256: str | None = None
    size: int | None = None
    sha512: str | None = None
    sha384: str | None = None
    blake2b: str | None = None
    sha224: str | None = None
    sha1: str | None = None
    md5: str | None = None
    file: Path | None = None

    #: All declared digests, the preferred one first.
    digests: tuple[Digest, ...] = attrs.field(init=False, default=(), eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        sha256, size = self.sha256, self.size
        if size is not None and (type(size) is not int or not 0 <= size < _TOO_LARGE):
            raise InvalidMetadata(
                f"{size!r:.80} is not a size", remedy="a size is a whole number of bytes, zero or more"
            )
        others = _others(self) != _NO_OTHERS
        if sha256 is not None and not others and sha256.islower():  # nearly all of them, and there are many
            object.__setattr__(self, "digests", (parse_digest("sha256", sha256),))
        elif sha256 is not None or others:
            digests = [self._checked(algorithm) for algorithm in PREFERENCE if getattr(self, algorithm) is not None]
            object.__setattr__(self, "digests", tuple(digests))

    def _checked(self, algorithm: str) -> Digest:
        digest = parse_digest(algorithm, getattr(self, algorithm))
        object.__setattr__(self, algorithm, digest.hex)
        return digest

    @property
    def preferred(self) -> Digest | None:
        """The declared digest that names these bytes, or None when none was declared."""
        return self.digests[0] if self.digests else None

    @property
    def is_weak(self) -> bool:
        """Whether nothing stronger than sha1 was declared."""
        digest = self.preferred
        return digest is None or digest.algorithm in WEAK


class StoredArtifact(NamedTuple):
    """Bytes that storage holds and the catalog knows."""

    sha256: bytes
    size: int
