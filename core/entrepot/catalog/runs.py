"""Runs: taking a repository's lease, and ending in a version or without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from entrepot.catalog import known_needs, notes, recovery, settled
from entrepot.catalog.leases import busy, holder
from entrepot.catalog.reserved import SHARED
from entrepot.catalog.statement import Session, Statement
from entrepot.catalog.texts import storable_json
from entrepot.catalog.writing import Run
from entrepot.errors import ConfigurationError
from entrepot.model.pulled import PULLED_NOTHING

if TYPE_CHECKING:
    from entrepot.catalog.leases import Claim
    from entrepot.catalog.rows import RunRequest
    from entrepot.catalog.writing import Writer

_REPOSITORY: Final = Statement("SELECT id, type FROM repository WHERE name = :name")
_NEW_REPOSITORY: Final = Statement("{insert} repository (name, type, private) VALUES (:name, :type, :private) {ignore}")
_RENEW_REPOSITORY: Final = Statement(
    "UPDATE repository SET type = :type, private = :private WHERE id = :repository"
    " AND (type <> :type OR private <> :private)"
)
_NEW_LEASE: Final = Statement(
    "{insert} lease (repository, token, holder, beat) VALUES (:repository, 0, '', {now}) {ignore}"
)
_TAKE: Final = Statement(
    "UPDATE lease SET token = token + 1, run = -1, holder = :holder, beat = {now}"
    " WHERE repository = :repository AND {free}"
)
_LEASE: Final = Statement("SELECT token, holder FROM lease WHERE repository = :repository")
_HOLD: Final = Statement("UPDATE lease SET run = :run WHERE repository = :repository")
_RELEASE: Final = Statement("UPDATE lease SET run = NULL WHERE repository = :repository AND token = :token")
_FENCE_FOR_LONG: Final = Statement("SELECT token FROM lease WHERE repository = :repository {update}")

_BEFORE: Final = Statement("SELECT outcome FROM run WHERE repository = :repository ORDER BY id DESC LIMIT 1")
#: Outcomes of runs that wrote a row for whatever they stored; all others, None too, may not have.
_CAME_TO_AN_END: Final = frozenset({"completed", "unchanged"})

_DIED: Final = Statement(
    "UPDATE run SET outcome = 'died', ended = :now WHERE repository = :repository AND outcome IS NULL"
)
_NEW_RUN: Final = Statement(
    "INSERT INTO run (repository, token, plan, started, report, swept)"
    " VALUES (:repository, :token, :plan, :now, '{}', false)"
)
_RUN: Final = Statement("SELECT max(id) FROM run WHERE repository = :repository")
_END: Final = Statement(
    "UPDATE run SET outcome = :outcome, ended = :now, number = :made, report = :report"
    " WHERE id = :run AND outcome IS NULL"
)
#: A pull that found nothing takes the place of one right before it: anybody may cause any number of them.
_FORGET_LIKE_IT: Final = Statement(
    "DELETE FROM run WHERE repository = :repository AND swept = true AND report = :report AND outcome = 'unchanged'"
    " AND id = (SELECT max(id) FROM run WHERE repository = :repository AND id < :run)"
)

_BEGUN: Final = Statement("SELECT number FROM repository_version WHERE repository = :repository AND completed IS NULL")
_BEGIN_VERSION: Final = Statement(
    "INSERT INTO repository_version (repository, number, run, members, fingerprint, report)"
    " VALUES (:repository, :number, :run, 0, '', '{}')"
    " ON CONFLICT (repository, number) DO UPDATE SET run = excluded.run"
)
_FORGET_VERSION: Final = Statement(
    "DELETE FROM repository_version WHERE repository = :repository AND number = :number AND completed IS NULL"
)
_COMPLETE: Final = Statement(
    "UPDATE repository_version SET completed = :moment, members = :members, fingerprint = :fingerprint,"
    " report = :report WHERE repository = :repository AND number = :number AND completed IS NULL"
)


@attrs.frozen
class Begun:
    """A run that may write, and whether the one before it died, failed or was cancelled."""

    run: Run
    recovered: bool
    #: Checkpoints of runs up to this one are void.
    void: int


def begin(writer: Writer, claim: Claim, request: RunRequest, now: float) -> Begun:
    """Take the lease or raise `RepositoryBusy`; then undo what a dead run left, and open the version.

    That it began lasts: whoever comes after a power cut looks for bytes that it kept without a row.
    """
    with writer.transaction() as session:
        repository = _repository(session, request)
        token = _take(session, repository, request.repository)
        before = session.one(_BEFORE, repository=repository)
        session.change(_DIED, repository=repository, now=now)
        session.change(_NEW_RUN, repository=repository, token=token, plan=request.plan_fingerprint, now=now)
        (number,) = session.only(_RUN, repository=repository)
        session.change(_HOLD, run=number, repository=repository)
        latest = settled.latest(session, repository)
        begun = session.one(_BEGUN, repository=repository) is not None
        void = notes.counts_from(session, repository, request.plan_fingerprint, now)
    run = Run(
        id=number,
        repository=repository,
        name=request.repository,
        number=(latest[0] if latest else 0) + 1,
        token=token,
        realm=repository if request.private else SHARED,
        plan=request.plan_fingerprint,
    )
    claim.keep(repository, token)
    if begun:
        recovery.undo(writer, run)
    recovery.sweep(writer, run)
    with run.transaction(writer) as session:
        session.change(_BEGIN_VERSION, **run.values)
    # Whoever fails or is cancelled may have stored bytes whose rows were never written, as the dead do.
    return Begun(run, before is not None and before[0] not in _CAME_TO_AN_END, void)


def complete(writer: Writer, run: Run, *, fingerprint: str, report: Mapping[str, Any], now: float) -> float:
    """Make the version visible; the commit is small whatever the version holds."""
    known_needs.remember(writer, run)
    with writer.reading() as session:
        changes = settled.changes(session, run)
        latest = settled.latest(session, run.repository)
    members = changes.added + changes.changed + changes.unchanged
    # A clock that steps back makes no version older than the one before it.
    moment = max(now, latest[3]) if latest else now
    text = storable_json(report)
    with writer.transaction() as session:
        run.check(session.one(_FENCE_FOR_LONG, repository=run.repository))
        session.change(_COMPLETE, **run.values, moment=moment, members=members, fingerprint=fingerprint, report=text)
        session.change(_END, run=run.id, outcome="completed", now=moment, made=run.number, report=text)
    return moment


def end(writer: Writer, run: Run, outcome: str, report: Mapping[str, Any], now: float) -> None:
    """Note how a run ended that made no version, then undo what it wrote.

    A run that had ended by then, its version made visible while whoever asked for it was
    cancelled, is left as it is.
    """
    with writer.transaction() as session:
        run.fence(session)
        text = storable_json(report)
        if not session.change(_END, run=run.id, outcome=outcome, now=now, made=None, report=text):
            return
        if report == PULLED_NOTHING:
            session.change(_FORGET_LIKE_IT, repository=run.repository, run=run.id, report=text)
    recovery.undo(writer, run)
    with run.transaction(writer) as session:
        session.change(_FORGET_VERSION, **run.values)


def release(writer: Writer, run: Run) -> None:
    """Let the repository go, if it is still ours; what is not undone yet, the next run undoes."""
    with writer.transaction(lasting=False) as session:
        session.change(_RELEASE, repository=run.repository, token=run.token)


def _repository(session: Session, request: RunRequest) -> int:
    session.change(_NEW_REPOSITORY, name=request.repository, type=request.type, private=request.private)
    repository, known = session.only(_REPOSITORY, name=request.repository)
    if known != request.type and settled.latest(session, repository) is not None:
        raise ConfigurationError(
            f"repository {request.repository!r} has versions of type {known!r}, and is configured as {request.type!r}",
            where="the catalog",
            remedy=f"set its type back to {known!r}, or give the new repository another name",
        )
    session.change(_RENEW_REPOSITORY, repository=repository, type=request.type, private=request.private)
    return int(repository)


def _take(session: Session, repository: int, name: str) -> int:
    session.change(_NEW_LEASE, repository=repository)
    taken = session.change(_TAKE, repository=repository, holder=holder())
    token, who = session.only(_LEASE, repository=repository)
    if not taken:
        raise busy(name, who)
    return int(token)
