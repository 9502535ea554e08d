"""Look-ups of a run: what they hit is wanted again, and no longer condemned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.catalog import artifacts, contents
from entrepot.catalog.reserved import SHARED
from entrepot.catalog.statement import pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.catalog.writing import Run, Writer
    from entrepot.model.artifact import StoredArtifact
    from entrepot.model.digest import Digest


def find_artifacts(writer: Writer, run: Run, digests: Sequence[Digest]) -> list[StoredArtifact | None]:
    """Look bytes up by digest, among those that the run's repository may have."""
    found: list[StoredArtifact | None] = []
    with writer.reading() as session:
        for piece in pieces(digests):
            found += artifacts.find(session, run.repository, SHARED, piece)
    condemned = [artifact.sha256 for artifact in found if artifact is not None and artifact.size < 0]
    if not condemned:
        return found
    with run.transaction(writer) as session:
        artifacts.revive(session, condemned)
    return find_artifacts(writer, run, digests)


def find_contents(writer: Writer, run: Run, keys: Sequence[str], identities: Sequence[bytes]) -> list[int | None]:
    """Look statements up by key and identity."""
    found: list[int | None] = []
    condemned: list[int] = []
    with writer.reading() as session:
        for some, names in zip(pieces(keys), pieces(identities), strict=True):
            numbers, doomed = contents.find(session, some, names)
            found += numbers
            condemned += doomed
    if not condemned:
        return found
    with run.transaction(writer) as session:
        contents.revive(session, condemned)
    return find_contents(writer, run, keys, identities)
