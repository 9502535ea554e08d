"""Sources: where the artifacts of a repository's contents can be had again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run
    from entrepot.model.ledger import Source

_ROW: Final = Batch("content int, relative_path text, urls text")

_FENCE_AND_COMPARE: Final = Statement(
    "SELECT token, (SELECT count(*) FROM {batch} JOIN remote_artifact r ON r.repository = :repository"
    " AND r.content = batch.content AND r.relative_path = batch.relative_path AND r.urls = batch.urls)"
    " FROM lease WHERE repository = :repository {share}",
    _ROW,
)
_NOTE: Final = Statement(
    "INSERT INTO remote_artifact (repository, content, relative_path, urls)"
    " SELECT :repository, batch.content, batch.relative_path, batch.urls FROM {batch} WHERE 1 = 1"
    " ON CONFLICT (repository, content, relative_path) DO UPDATE SET urls = excluded.urls"
    " WHERE remote_artifact.urls <> excluded.urls",
    _ROW,
)
_encode = msgspec.json.Encoder().encode

Row = tuple[int, str, str]


def rows(sources: Sequence[Source]) -> list[Row]:
    """What is written; of a source given twice, the last."""
    return list(
        {
            (source.content, source.relative_path): (
                source.content,
                source.relative_path,
                _encode(source.urls).decode(),
            )
            for source in sources
        }.values()
    )


def note(session: Session, run: Run, noted: Sequence[Row], *, expect_known: bool) -> bool:
    """Write what is new or differs; whether most was noted already, as it is.

    With `expect_known` the batch is first compared as a whole, and one that changes nothing is
    not written.
    """
    batch = session.pack(_ROW, noted)
    if expect_known:
        _, known = run.check(session.one(_FENCE_AND_COMPARE, batch, repository=run.repository))
        if known == len(batch):
            return True
    else:
        run.fence(session)
    return 2 * session.change(_NOTE, batch, repository=run.repository) < len(batch)
