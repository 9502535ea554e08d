"""Reach: what nothing refers to, found by set algebra that the database sorts on its disk.

Each question reads whole tables once, in one snapshot, and a long answer is kept in a file: memory
does not grow with the catalog. An answer may be out of date when it is acted upon; `condemning.py`
and `collection.py` say how that is made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO, Any, Final, TypeAlias

from entrepot.catalog.batch import Batch
from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import PIECE, Session, Statement
from entrepot.errors import DepotError

#: Repositories with the first version that a prune would leave them; others are left as they are.
Firsts: TypeAlias = Sequence[tuple[int, int]]

#: Lends a session in a snapshot of its own.
Reading: TypeAlias = Callable[[], AbstractContextManager[Session]]

#: Bytes of a digest, of a number, and of an answer that is not written to a file.
_DIGEST: Final = 32
_NUMBER: Final = 8
_IN_MEMORY: Final = 4 * 1024**2

_FIRSTS: Final = Batch("repository int, first int")

# What the pruned versions alone had is gone once a prune runs, and left out when it only reckons.
_STAYS: Final = (
    f"(t.removed = {OPEN} OR EXISTS (SELECT 1 FROM repository_version v WHERE v.repository = t.repository"
    " AND v.number >= t.added AND v.number < t.removed AND v.pruned IS NULL AND v.number >="
    " coalesce((SELECT max(batch.first) FROM {batch} WHERE batch.repository = t.repository), 0)))"
)
_MEMBERS: Final = f"SELECT t.content FROM membership t WHERE {_STAYS}"
_DECLARED: Final = "SELECT d.content FROM lease l JOIN declared d ON d.run = l.run"
_STAYING: Final = f"SELECT content FROM ({_MEMBERS} UNION ALL {_DECLARED}) staying"
_PUBLISHED: Final = f"SELECT t.sha256 FROM published_file t WHERE t.stored AND {_STAYS}"

_LINKED: Final = "SELECT l.digest FROM content_artifact l WHERE l.algorithm = 'sha256'"
_LINKED_OTHERWISE: Final = (
    "SELECT d.artifact FROM content_artifact l JOIN artifact_digest d ON d.algorithm = l.algorithm"
    " AND d.digest = l.digest WHERE l.algorithm <> 'sha256'"
)

_DEAD_CONTENTS: Final = Statement(f"SELECT c.id FROM content c {{which}} EXCEPT {_STAYING} ORDER BY 1", _FIRSTS)
_DEAD_ARTIFACTS: Final = Statement(
    f"SELECT a.sha256 FROM artifact a {{which}} EXCEPT {_LINKED} {{of}} EXCEPT {_LINKED_OTHERWISE} {{of}}"
    f" EXCEPT {_PUBLISHED} ORDER BY 1",
    _FIRSTS,
)
_OF_STAYING: Final = f"AND l.content IN ({_STAYING})"


def _asking(statement: Statement, which: str, of: str = "") -> Statement:
    said = statement.text.replace("{which}", which).replace("{of}", of)
    return Statement(said, statement.batch)


_FRESH: Final = "WHERE condemned IS NULL"
_DOOMED: Final = "WHERE condemned IS NOT NULL AND condemned < :before"

#: Contents: all that are dead, those not condemned yet, those condemned before a run.
ALL_CONTENTS: Final = _asking(_DEAD_CONTENTS, "")
FRESH_CONTENTS: Final = _asking(_DEAD_CONTENTS, _FRESH)
DOOMED_CONTENTS: Final = _asking(_DEAD_CONTENTS, _DOOMED)

#: Artifacts likewise. What is deleted is asked for once dead contents are: every content that is
#: left then counts, also one that must wait for another prune.
ALL_ARTIFACTS: Final = _asking(_DEAD_ARTIFACTS, "", _OF_STAYING)
FRESH_ARTIFACTS: Final = _asking(_DEAD_ARTIFACTS, _FRESH, _OF_STAYING)
DOOMED_ARTIFACTS: Final = _asking(_DEAD_ARTIFACTS, _DOOMED)

#: Published bodies that no file names.
BODIES: Final = Statement(
    "SELECT sha256 FROM published_body EXCEPT SELECT sha256 FROM published_file WHERE NOT stored ORDER BY 1"
)

_SIZES: Final = Statement(
    "SELECT count(*), coalesce(sum(a.size), 0) FROM {batch} JOIN artifact a ON a.sha256 = batch.sha256",
    Batch("sha256 sha256"),
)


def answers(
    reading: Reading, question: Statement, firsts: Firsts = (), *, size: int = PIECE, **values: Any
) -> Iterator[list[Any]]:
    """The answer to a question of this module, `size` at a time, in order.

    It is written down first, so that no snapshot stays open while it is acted upon.
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as answer:
        try:
            width = _write_down(answer, reading, question, firsts, values)
            answer.seek(0)
            while piece := answer.read(width * size):
                cells = [piece[at : at + width] for at in range(0, len(piece), width)]
                yield cells if width == _DIGEST else [int.from_bytes(cell) for cell in cells]
        except OSError as error:
            raise DepotError(
                f"a list of what may go cannot be written down: {error.strerror}",
                where=gettempdir(),
                remedy="make room there, or name a folder with room: export TMPDIR=/var/tmp",
            ) from error


def _write_down(
    answer: IO[bytes], reading: Reading, question: Statement, firsts: Firsts, values: dict[str, Any]
) -> int:
    """Write all values of the answer, and say how wide each is."""
    width = _DIGEST
    with reading() as session:
        if question.batch is not None:
            # A batch has at least one row; no repository has the number 0.
            (packed,) = session.pack(question.batch, [*firsts[: PIECE - 1], (0, 0)])
            values |= packed
        with closing(session.stream(question, **values)) as rows:
            for (value,) in rows:
                if isinstance(value, int):
                    width = _NUMBER
                answer.write(value.to_bytes(_NUMBER) if isinstance(value, int) else value)
    return width


def sizes(session: Session, digests: Sequence[bytes]) -> tuple[int, int]:
    """How many of these artifacts there are, and their bytes."""
    (counted,) = session.all(_SIZES, [(digest,) for digest in digests])
    return int(counted[0]), int(counted[1])
