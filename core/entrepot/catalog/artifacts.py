"""Artifacts: bytes by digest, and who may have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.faults import BytesGone
from entrepot.catalog.statement import Session, Statement, listed
from entrepot.model.artifact import StoredArtifact

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run
    from entrepot.model.digest import Digest
    from entrepot.model.ledger import KeptArtifact

_ALLOWED: Final = "EXISTS (SELECT 1 FROM holding h WHERE h.artifact = {} AND h.realm IN (:shared, :repository))"

# Look-ups answer with sizes; those of condemned rows are told apart by standing below zero.
_SIZE: Final = "CASE WHEN a.condemned IS NULL THEN a.size ELSE -1 - a.size END"

_BY_SHA256: Final = Batch("digest sha256")
_BY_OTHER: Final = Batch("digest blob")

_FIND: Final = Statement(
    f"SELECT {{list size}} FROM (SELECT batch.n AS n, {_SIZE} AS size FROM {{batch}}"
    f" LEFT JOIN artifact a ON a.sha256 = batch.digest AND {_ALLOWED.format('a.sha256')}) found",
    _BY_SHA256,
)
_FIND_OTHER: Final = Statement(
    f"SELECT {{list {{hex}}}}, {{list size}} FROM (SELECT batch.n AS n, a.sha256 AS sha256, {_SIZE} AS size"
    f" FROM {{batch}} LEFT JOIN artifact a ON a.sha256 = (SELECT d.artifact FROM artifact_digest d"
    f" WHERE d.algorithm = :algorithm AND d.digest = batch.digest AND {_ALLOWED.format('d.artifact')}"
    " ORDER BY d.artifact LIMIT 1)) found",
    _BY_OTHER,
)
_ADOPTABLE: Final = Statement(
    "SELECT batch.digest FROM {batch} WHERE NOT EXISTS (SELECT 1 FROM artifact a WHERE a.sha256 = batch.digest)"
    " AND NOT EXISTS (SELECT 1 FROM repository r WHERE r.private AND r.id <> :repository)",
    _BY_SHA256,
)
_REVIVE: Final = Statement(
    "UPDATE artifact SET condemned = NULL WHERE condemned IS NOT NULL AND sha256 IN (SELECT batch.sha256 FROM {batch})",
    Batch("sha256 sha256"),
)
_INSERT: Final = Statement(
    "{insert} artifact (sha256, size) SELECT batch.sha256, batch.size FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("sha256 sha256, size int"),
)
_HOLD: Final = Statement(
    "{insert} holding (artifact, realm) SELECT batch.sha256, :realm FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("sha256 sha256"),
)
_DIGESTS: Final = Statement(
    "{insert} artifact_digest (algorithm, digest, artifact)"
    " SELECT batch.algorithm, batch.digest, batch.sha256 FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("algorithm text, digest blob, sha256 sha256"),
)


def find(session: Session, repository: int, shared: int, digests: Sequence[Digest]) -> list[StoredArtifact | None]:
    """Look up what is known and allowed; a condemned row is found with a size below zero."""
    values = [digest.value for digest in digests if digest.algorithm == "sha256"]
    if len(values) == len(digests):
        return _find(session, values, {"repository": repository, "shared": shared})
    found: list[StoredArtifact | None] = [None] * len(digests)
    places: dict[str, list[int]] = {}
    for place, digest in enumerate(digests):
        places.setdefault(digest.algorithm, []).append(place)
    for algorithm, asked in places.items():
        allowed = {"repository": repository, "shared": shared, "algorithm": algorithm}
        look_up = _find if algorithm == "sha256" else _find_other
        for place, artifact in zip(asked, look_up(session, [digests[at].value for at in asked], allowed), strict=True):
            found[place] = artifact
    return found


def _find(session: Session, values: Sequence[bytes], allowed: dict[str, Any]) -> list[StoredArtifact | None]:
    (sizes,) = session.only(_FIND, session.pack_columns(_BY_SHA256, values), **allowed)
    return [
        None if size is None else StoredArtifact(value, size) for value, size in zip(values, listed(sizes), strict=True)
    ]


def _find_other(session: Session, values: Sequence[bytes], allowed: dict[str, Any]) -> list[StoredArtifact | None]:
    names, sizes = session.only(_FIND_OTHER, session.pack_columns(_BY_OTHER, values), **allowed)
    return [
        StoredArtifact(bytes.fromhex(name), size) if name else None
        for name, size in zip(listed(names), listed(sizes), strict=True)
    ]


def adoptable(session: Session, repository: int, digests: Sequence[bytes]) -> list[bool]:
    """Which bytes nobody is known to have, where no other repository's secret can be among them."""
    batch = session.pack_columns(_BY_SHA256, digests)
    free = {bytes(digest) for (digest,) in session.all(_ADOPTABLE, batch, repository=repository)}
    return [digest in free for digest in digests]


def revive(session: Session, digests: Sequence[bytes]) -> None:
    """Take back the condemnation of what was found, so that a prune under way spares it."""
    session.change(_REVIVE, [(digest,) for digest in sorted(set(digests))])


def save_of(session: Session, run: Run, kept: Sequence[KeptArtifact]) -> None:
    """Save what a run kept, in its realm."""
    run.fence(session)
    save(session, run.realm, kept)


def save(session: Session, realm: int, artifacts: Sequence[KeptArtifact]) -> None:
    """Write rows and holdings, in order of digest: two writers never wait for each other in a ring."""
    ordered = sorted({artifact.sha256: artifact for artifact in artifacts}.values())
    names = [(artifact.sha256,) for artifact in ordered]
    rows = [(artifact.sha256, artifact.size) for artifact in ordered]
    if session.change(_INSERT, rows) < len(ordered):
        session.change(_REVIVE, names)
        # What was condemned may have been deleted between the two, where others write at the same time.
        session.change(_INSERT, rows)
    digests = sorted(
        (digest.algorithm, digest.value, artifact.sha256)
        for artifact in ordered
        for digest in artifact.digests
        if digest.algorithm != "sha256"
    )
    if digests:
        session.change(_DIGESTS, digests)
    session.change(_HOLD, names, realm=realm)
    for artifact in artifacts:
        if artifact.recheck is not None and not artifact.recheck():
            raise BytesGone(artifact.sha256)
