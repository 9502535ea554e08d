"""The ledger of one run: the protocol of `model/ledger.py`, on one thread with one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from entrepot.catalog import artifacts as artifact_rows
from entrepot.catalog import (
    association,
    contents,
    lookups,
    losses,
    needs,
    notes,
    past,
    publications,
    recovery,
    removals,
    runs,
    scopes,
    settled,
)
from entrepot.catalog import sources as noted_sources
from entrepot.catalog.notes import Kept
from entrepot.catalog.statement import Session, pieces
from entrepot.catalog.together import Together
from entrepot.catalog.waiting import Waiting
from entrepot.errors import DepotError, LeaseLost
from entrepot.model.artifact import StoredArtifact

if TYPE_CHECKING:
    from entrepot.catalog.leases import Claim
    from entrepot.catalog.office import Office
    from entrepot.catalog.runs import Begun
    from entrepot.catalog.writing import Writer
    from entrepot.model.digest import Digest
    from entrepot.model.ledger import (
        BodyRow,
        Changes,
        Clash,
        ContentRow,
        Contradiction,
        FailureRow,
        KeptArtifact,
        Member,
        Past,
        PathClash,
        PathRow,
        RefusalRow,
        ScopeLoss,
        Source,
        Statement,
        Unmet,
    )

P = ParamSpec("P")
T = TypeVar("T")


class RunLedger:
    """One run's access to the catalog.

    Calls are made from one event loop and follow one another on the run's own thread, also when
    the task that waits for one is cancelled. Whoever loses the lease, completes or finishes gives
    up thread, connection and lease.
    """

    def __init__(
        self, begun: Begun, *, writer: Writer, claim: Claim, thread: ThreadPoolExecutor, office: Office
    ) -> None:
        self._begun, self._run = begun, begun.run
        self._writer, self._claim, self._thread, self._office = writer, claim, thread, office
        self._paths = office.pages()
        self._waiting = Waiting(partial(self._write, notes.nothing_more))
        self._checkpoints = Together(partial(self._noted, void=begun.void))
        self._expect_known = self._expect_sources = begun.run.number > 1
        self._closed = False
        self._leaving: asyncio.Future[None] | None = None

    @property
    def run(self) -> int:
        return self._run.id

    @property
    def number(self) -> int:
        return self._run.number

    @property
    def recovered(self) -> bool:
        return self._begun.recovered

    # What the stages ask.

    async def find_artifacts(self, digests: Sequence[Digest]) -> list[StoredArtifact | None]:
        return await self._call(lookups.find_artifacts, self._writer, self._run, digests)

    async def adoptable(self, digests: Sequence[bytes]) -> list[bool]:
        return await self._read(artifact_rows.adoptable, self._run.repository, digests)

    async def save_artifacts(self, artifacts: Sequence[KeptArtifact]) -> None:
        for piece in pieces(artifacts):
            await self._write(partial(artifact_rows.save_of, run=self._run, kept=piece), lasting=True)

    async def find_contents(self, identities: Sequence[bytes], keys: Sequence[str] | None = None) -> list[int | None]:
        if keys is None:
            return [None] * len(identities)
        return await self._call(lookups.find_contents, self._writer, self._run, keys, identities)

    async def save_contents(
        self,
        statements: Sequence[Statement],
        *,
        before: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> list[int]:
        return await self._write(partial(self._save_contents, statements=statements, before=before, after=after))

    async def note_sources(self, sources: Sequence[Source]) -> None:
        await self._call(self._note_sources, sources)

    async def associate(self, members: Sequence[Member]) -> list[Clash]:
        clashes: list[Clash] = []
        for piece in pieces(members):
            clashes += await self._write(partial(self._associate, members=piece))
        return clashes

    async def refuse(self, refusals: Sequence[RefusalRow], *, evict: Sequence[str] = ()) -> None:
        self._waiting.notes.refuse(refusals, evict)
        await self._waiting.written_before_long()

    async def fail(self, failures: Sequence[FailureRow], *, keep: bool) -> None:
        self._waiting.notes.fail(failures, keep=keep)
        await self._waiting.written_before_long()

    async def past(self, keys: Sequence[str]) -> Past:
        return await self._read(past.past, self._run, keys)

    async def checkpoint(self, scope: str, *, even_void: bool = False) -> str | None:
        if even_void:
            return (await self._noted([scope], void=None))[0]
        return await self._checkpoints.ask(scope)

    async def note_checkpoint(self, scope: str, value: str) -> None:
        self._waiting.notes.checkpoints[scope] = value
        await self._waiting.written_if_many()

    async def pulled(self, *, after: str = "", limit: int = 2000) -> list[str]:
        return await self._read(notes.pulled, self._run, after=after, limit=limit)

    async def note_pulled(self, group: str) -> None:
        await self.note_checkpoint(notes.scope_of_pulled(group), "")

    async def keep(self, scope: str) -> None:
        self._waiting.notes.kept.append((Kept.SCOPE, scope))
        await self._waiting.written_if_many()

    async def keep_rest(self) -> None:
        self._waiting.notes.kept.append((Kept.REST, ""))

    async def drop(self, scope: str) -> None:
        self._waiting.notes.kept.append((Kept.DROPPED, scope))
        await self._waiting.written_if_many()

    # What the seal asks.

    async def remove_undeclared(self) -> int:
        await self._waiting.written()
        await self._call(self._writer.count_rows)
        return await self._call(removals.remove_undeclared, self._writer, self._run)

    async def unmet(self) -> list[Unmet]:
        await self._waiting.written()
        return await self._call(needs.unmet, self._writer, self._run, mirror=self._office.mirror)

    async def contradictions(self, after: tuple[str, str] = ("", ""), limit: int = 1000) -> list[Contradiction]:
        await self._waiting.written()
        return await self._call(scopes.contradictions, self._writer, self._run, after, limit)

    async def path_clashes(self, limit: int = 20) -> list[PathClash]:
        return await self._read(settled.path_clashes, self._run, limit)

    async def changes(self) -> Changes:
        await self._waiting.written()
        return await self._read(settled.changes, self._run)

    async def lost_scopes(self, least: int) -> list[ScopeLoss]:
        return await self._read(losses.lost_scopes, self._run, least)

    async def contents(
        self, type_name: str, *, where: tuple[str, str] | None = None, after: str = "", limit: int = 2000
    ) -> list[ContentRow]:
        return await self._read(settled.contents, self._run, type_name, where, after, limit)

    async def paths(self, type_name: str, *, after: tuple[str, int] = ("", 0), limit: int = 5000) -> list[PathRow]:
        return await self._call(self._paths.page, self._run, type_name, after, limit)

    async def values(self, type_name: str, field: str, *, changed: bool = False) -> list[str]:
        return await self._read(settled.values, self._run, type_name, field, changed=changed)

    async def previous_fingerprint(self) -> str | None:
        latest = await self._read(settled.latest, self._run.repository)
        return latest[2] if latest is not None else None

    async def publish(self, files: Sequence[BodyRow]) -> None:
        for piece in pieces(files):
            await self._write(partial(publications.publish, run=self._run, files=piece))

    async def unpublish(self, relative_paths: Sequence[str]) -> None:
        for piece in pieces(relative_paths):
            await self._write(partial(publications.unpublish, run=self._run, relative_paths=piece))

    async def unpublish_rest(self) -> int:
        return await self._call(publications.unpublish_rest, self._writer, self._run)

    async def complete(self, *, fingerprint: str, report: Mapping[str, Any]) -> float:
        await self._waiting.written()
        moment = await self._call(
            runs.complete, self._writer, self._run, fingerprint=fingerprint, report=report, now=self._office.clock()
        )
        await self._leave()
        return moment

    async def finish(self, outcome: str, report: Mapping[str, Any]) -> None:
        if self._closed or self._leaving is not None:
            return
        try:
            await self._waiting.written()
            await self._call(self._writer.count_rows)
            await self._call(runs.end, self._writer, self._run, outcome, report, self._office.clock())
        finally:
            await self._leave()

    def close(self) -> None:
        """Give up connection, thread and lease as they are; what was not finished, the next run undoes."""
        if not self._closed:
            self._thread.submit(self._abandon)
            self._thread.shutdown()

    # On the run's thread.

    def _save_contents(
        self,
        session: Session,
        statements: Sequence[Statement],
        before: Callable[[], None] | None,
        after: Callable[[], None] | None,
    ) -> list[int]:
        if before is not None:
            before()
        saved = contents.save(session, self._run, statements)
        if after is not None:
            after()
        return saved

    def _note_sources(self, sources: Sequence[Source]) -> None:
        for piece in pieces(sources):
            with self._writer.transaction(lasting=False) as session:
                self._expect_sources = noted_sources.note(
                    session, self._run, noted_sources.by_place(piece), expect_known=self._expect_sources
                )

    def _associate(self, session: Session, members: Sequence[Member]) -> list[Clash]:
        clashes, self._expect_known = association.associate(
            session, self._run, members, expect_known=self._expect_known
        )
        return clashes

    def _release(self) -> None:
        # How the run ended is committed; what cannot be swept up now, the next run sweeps.
        with suppress(DepotError):
            recovery.sweep(self._writer, self._run)
            runs.release(self._writer, self._run)
        with suppress(DepotError):
            self._let_go()

    def _abandon(self) -> None:
        # Where the catalog cannot be written any more, the lease ends by itself.
        with suppress(DepotError):
            runs.release(self._writer, self._run)
        with suppress(DepotError):
            self._let_go()

    def _let_go(self) -> None:
        self._closed = True
        try:
            self._paths.close()
            self._writer.close()
        finally:
            self._claim.close()
            self._thread.shutdown(wait=False)
            self._office.left(self)

    async def _noted(self, scopes: Sequence[str], *, void: int | None) -> list[str | None]:
        return await self._read(notes.noted, self._run, scopes, void=void, now=self._office.clock())

    # To the run's thread.

    async def _leave(self) -> None:
        """Let everything go, once, also when whoever waits for it is cancelled."""
        self._waiting.stop()
        if not self._closed and self._leaving is None:
            self._leaving = asyncio.ensure_future(self._call(self._release))
        if self._leaving is not None:
            await asyncio.shield(self._leaving)

    async def _write(self, work: Callable[[Session], T], *, lasting: bool = False) -> T:
        """Do work in one transaction, with the notes that wait; the work itself passes the fence.

        What need not last, a power cut may undo: the run ends with it. What a version holds is
        durable before the version.
        """
        await self._waiting.check()
        waiting = self._waiting.take()

        def transaction() -> T:
            with self._writer.transaction(lasting=lasting) as session:
                if waiting:
                    self._run.fence(session)
                    notes.write(session, self._run, waiting)
                return work(session)

        return await self._call(transaction)

    async def _read(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def reading() -> T:
            with self._writer.reading() as session:
                return work(session, *args, **kwargs)

        return await self._call(reading)

    async def _call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await self._waiting.check()

        def call() -> T:
            try:
                return work(*args, **kwargs)
            except LeaseLost:
                self._let_go()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
