"""Sources: where the artifacts of a repository's contents can be had again.

They are kept as long as a version of that repository has the content. Another repository that has
it too has sources of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from entrepot.catalog import reach
from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer
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
_CONTENT: Final = Batch("id int")
_ABANDONED: Final = Statement(
    "SELECT content FROM remote_artifact WHERE repository = :repository"
    " EXCEPT SELECT content FROM membership WHERE repository = :repository ORDER BY 1"
)
#: Nobody writes the repository, nor begins to before the transaction ends.
_IS_FREE: Final = Statement("SELECT 1 FROM lease WHERE repository = :repository AND run IS NULL {update}")
_STILL_ABANDONED: Final = Statement(
    "SELECT batch.id FROM {batch} WHERE NOT EXISTS (SELECT 1 FROM membership m WHERE m.repository = :repository"
    " AND m.key = (SELECT c.key FROM content c WHERE c.id = batch.id) AND m.content = batch.id)",
    _CONTENT,
)
_FORGET: Final = Statement(
    "DELETE FROM remote_artifact WHERE repository = :repository AND content IN (SELECT batch.id FROM {batch})",
    _CONTENT,
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


def forget_abandoned(writer: Writer, reading: reach.Reading, repository: int) -> int:
    """Delete sources of contents that no version of the repository has; how many contents.

    A run of that repository notes sources before its members, so nothing is touched beside it.
    """
    forgotten = 0
    for piece in reach.answers(reading, _ABANDONED, repository=repository):
        with writer.transaction() as session:
            if session.one(_IS_FREE, repository=repository) is None:
                return forgotten
            still = session.all(_STILL_ABANDONED, [(content,) for content in piece], repository=repository)
            if still:
                session.change(_FORGET, still, repository=repository)
        forgotten += len(still)
    return forgotten
