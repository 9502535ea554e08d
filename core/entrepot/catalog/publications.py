"""Publications: the files of a version, as intervals like its members."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog import artifacts
from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import PIECE, Session, Statement
from entrepot.model.ledger import KeptArtifact

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer
    from entrepot.model.ledger import BodyRow

_NAME: Final = Batch("relative_path text, media_type text")

_SAME: Final = Statement(
    "SELECT p.relative_path, p.media_type FROM {batch} JOIN published_file p ON p.repository = :repository"
    " AND p.relative_path = batch.relative_path AND p.media_type = batch.media_type AND p.removed = :open"
    " AND p.sha256 = batch.sha256 AND p.headers = batch.headers",
    Batch("relative_path text, media_type text, sha256 sha256, headers text"),
)
_DECLARE: Final = Statement(
    "{insert} declared_file (run, relative_path, media_type)"
    " SELECT :run, batch.relative_path, batch.media_type FROM {batch} WHERE 1 = 1 {ignore}",
    _NAME,
)
_BODIES: Final = Statement(
    "{insert} published_body (sha256, body) SELECT batch.sha256, batch.body FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("sha256 sha256, body blob"),
)
_MEND: Final = Statement(
    "UPDATE published_body SET body = (SELECT batch.body FROM {batch} WHERE batch.sha256 = published_body.sha256)"
    " WHERE sha256 IN (SELECT batch.sha256 FROM {batch})",
    Batch("sha256 sha256, body blob"),
)
_OURS: Final = "repository = :repository AND removed = :open"
_NAMED: Final = "(relative_path, media_type) IN (SELECT batch.relative_path, batch.media_type FROM {batch})"
_PATHS: Final = "relative_path IN (SELECT batch.relative_path FROM {batch})"

_FORGET: Final = Statement(f"DELETE FROM published_file WHERE {_OURS} AND added = :number AND {_NAMED}", _NAME)
_CLOSE: Final = Statement(
    f"UPDATE published_file SET removed = :number WHERE {_OURS} AND added < :number AND {_NAMED}", _NAME
)
_FORGET_PATHS: Final = Statement(
    f"DELETE FROM published_file WHERE {_OURS} AND added = :number AND {_PATHS}", Batch("relative_path text")
)
_CLOSE_PATHS: Final = Statement(
    f"UPDATE published_file SET removed = :number WHERE {_OURS} AND added < :number AND {_PATHS}",
    Batch("relative_path text"),
)
_ADD: Final = Statement(
    "{insert} published_file (repository, relative_path, media_type, removed, added, sha256, size, stored, headers)"
    " SELECT :repository, batch.relative_path, batch.media_type, :open, :number, batch.sha256, batch.size,"
    " batch.stored = 1, batch.headers FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("relative_path text, media_type text, sha256 sha256, size int, stored int, headers text"),
)
_REST: Final = Statement(
    f"SELECT relative_path, media_type FROM published_file p WHERE {_OURS} AND added < :number"
    " AND (relative_path, media_type) > (:path, :media_type)"
    " AND NOT EXISTS (SELECT 1 FROM declared_file d WHERE d.run = :run AND d.relative_path = p.relative_path"
    " AND d.media_type = p.media_type) ORDER BY relative_path, media_type LIMIT :limit"
)


def publish(session: Session, run: Run, files: Sequence[BodyRow]) -> None:
    """Put files in place; one that is there already with the same bytes and headers changes nothing."""
    run.fence(session)
    named = {(file.relative_path, file.media_type): file for file in files}
    digests = {name: _digest(file) for name, file in named.items()}
    session.change(_DECLARE, list(named), **run.values)
    asked = [(*name, digest, named[name].headers) for name, digest in digests.items()]
    same = set(session.all(_SAME, asked, **run.values))
    if new := [name for name in named if name not in same]:
        _keep_bytes(session, run, {digests[name]: named[name] for name in new})
        session.change(_FORGET, new, **run.values)
        session.change(_CLOSE, new, **run.values)
        session.change(_ADD, [_row(named[name], digests[name]) for name in new], **run.values)


def keep_body(session: Session, sha256: bytes, body: bytes) -> None:
    """Put right bytes in place of wrong ones; where nobody has these bytes any more, nothing happens."""
    if hashlib.sha256(body).digest() != sha256:
        raise ValueError("these are not the bytes of that digest")
    session.change(_MEND, [(sha256, zlib.compress(body, 6))])


def unpublish(session: Session, run: Run, relative_paths: Sequence[str]) -> None:
    """Take every file at these paths out of the new version."""
    run.fence(session)
    paths = [(path,) for path in dict.fromkeys(relative_paths)]
    session.change(_FORGET_PATHS, paths, **run.values)
    session.change(_CLOSE_PATHS, paths, **run.values)


def unpublish_rest(writer: Writer, run: Run) -> int:
    """Take out what this run did not publish, some thousand in a transaction."""
    removed, last = 0, ("", "")
    while True:
        with writer.reading() as session:
            rest = session.all(_REST, **run.values, path=last[0], media_type=last[1], limit=PIECE)
        if not rest:
            return removed
        with run.transaction(writer) as session:
            removed += session.change(_CLOSE, rest, **run.values)
        last = (rest[-1][0], rest[-1][1])


def _digest(file: BodyRow) -> bytes:
    if file.artifact is not None:
        return file.artifact.sha256
    return hashlib.sha256(file.body or b"").digest()


def _row(file: BodyRow, digest: bytes) -> tuple[Any, ...]:
    stored = file.artifact is not None
    size = file.artifact.size if file.artifact is not None else len(file.body or b"")
    return file.relative_path, file.media_type, digest, size, int(stored), file.headers


def _keep_bytes(session: Session, run: Run, files: dict[bytes, BodyRow]) -> None:
    # In order of digest: bodies and artifacts are shared between repositories.
    bodies = [(name, zlib.compress(file.body or b"", 6)) for name, file in sorted(files.items()) if not file.artifact]
    if bodies:
        session.change(_BODIES, bodies)
    kept = [KeptArtifact(file.artifact.sha256, file.artifact.size) for file in files.values() if file.artifact]
    if kept:
        artifacts.save(session, run.realm, kept)
