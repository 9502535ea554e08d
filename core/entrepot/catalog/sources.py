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

Noted = dict[tuple[int, str], bytes]


def by_place(sources: Sequence[Source]) -> Noted:
    """What is written of each artifact; of one given twice, the last."""
    return {(content, path): _encode(urls) for content, path, urls in sources}


def note(session: Session, run: Run, noted: Noted, *, expect_known: bool) -> bool:
    """Write what is new or differs; whether most was noted already, as it is.

    With `expect_known` the batch is first compared as a whole, and one that changes nothing is
    not written.
    """
    batch = session.pack_columns(
        _ROW, [content for content, _ in noted], [path for _, path in noted], [urls.decode() for urls in noted.values()]
    )
    if expect_known:
        _, known = run.check(session.one(_FENCE_AND_COMPARE, batch, repository=run.repository))
        if known == len(batch):
            return True
    else:
        run.fence(session)
    return 2 * session.change(_NOTE, batch, repository=run.repository) < len(batch)
