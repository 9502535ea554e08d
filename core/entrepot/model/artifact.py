"""Artifacts: bytes, known by digest and size."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import attrs

from entrepot.errors import InvalidMetadata
from entrepot.model.digest import PREFERENCE, WEAK, Digest, parse_digest

_TOO_LARGE: Final = 2**63


@attrs.define(init=False, unsafe_hash=True)
class Artifact:
    """Bytes as an upstream declares them: any of the digests, and the size.

    Digests are hexadecimal; they are checked and kept in lower case. `file` is a local file that
    already holds the bytes. All that is given is verified before the bytes are kept. An artifact
    of which nothing is known is allowed: what it is shows once it is downloaded.

    A value, never changed. It is not a frozen class because every unit of a sync makes one, and
    that would take four times as long; the type checker refuses what freezing would.
    """

    sha256: Final[str | None]
    size: Final[int | None]
    sha512: Final[str | None]
    sha384: Final[str | None]
    blake2b: Final[str | None]
    sha224: Final[str | None]
    sha1: Final[str | None]
    md5: Final[str | None]
    file: Final[Path | None]

    #: All declared digests, the preferred one first.
    digests: tuple[Digest, ...] = attrs.field(init=False, eq=False, repr=False)

    def __init__(  # noqa: PLR0913  # as many as there are algorithms, all optional
        self,
        sha256: str | None = None,
        size: int | None = None,
        *,
        sha512: str | None = None,
        sha384: str | None = None,
        blake2b: str | None = None,
        sha224: str | None = None,
        sha1: str | None = None,
        md5: str | None = None,
        file: Path | None = None,
    ) -> None:
        if size is not None and (type(size) is not int or not 0 <= size < _TOO_LARGE):
            raise InvalidMetadata(
                f"{size!r:.80} is not a size", remedy="a size is a whole number of bytes, zero or more"
            )
        digests: tuple[Digest, ...] = (parse_digest("sha256", sha256),) if sha256 is not None else ()
        if not (sha512 is sha384 is blake2b is sha224 is sha1 is md5 is None):
            others = zip(PREFERENCE[1:], (sha512, sha384, blake2b, sha224, sha1, md5), strict=True)
            digests += tuple(parse_digest(algorithm, text) for algorithm, text in others if text is not None)
        self.sha256 = sha256 and sha256.lower()
        self.size = size
        self.sha512 = sha512 and sha512.lower()
        self.sha384 = sha384 and sha384.lower()
        self.blake2b = blake2b and blake2b.lower()
        self.sha224 = sha224 and sha224.lower()
        self.sha1 = sha1 and sha1.lower()
        self.md5 = md5 and md5.lower()
        self.file = file
        self.digests = digests

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
