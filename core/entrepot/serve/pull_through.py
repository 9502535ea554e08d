"""Groups that are not mirrored yet: brought when they are first asked for, by a sync of their own.

Whoever asks while one is being brought waits for the same. A sync brings all that were asked for
while the one before it ran, and makes one version of them. What upstream does not have is not
asked for again for a while, and of new names so many at once and then one now and then: those that
somebody makes up cost upstream a bounded number of requests, and keep nobody out for long. Nothing
that is asked for under a version's number or date costs it any.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from entrepot.errors import ConfigurationError, EntrepotError, Failed, IntegrityError, RepositoryBusy, UpstreamError

if TYPE_CHECKING:
    from entrepot.assembly.registrations import GroupOf
    from entrepot.depot import Depot
    from entrepot.serve.target import Target

#: Seconds that a request waits; pip gives up on a silent server after 15, and asks again after 503.
PATIENCE: Final = 10.0

#: Seconds for which upstream is not asked again: for what it did not have; after an error, and for what came.
ABSENT_FOR: Final = 600.0
RESTING: Final = 5.0

#: Groups of one repository that may wait at a time, and that are known to be absent upstream.
MOST_WAITING: Final = 100
MOST_ABSENT: Final = 1000

#: So many pulls that fail one after the other, and upstream is asked for nothing new for some seconds.
MOST_IN_A_ROW: Final = 3
PAUSE: Final = 30.0

#: Seconds after which a repository that somebody else syncs is tried again.
_BUSY: Final = 0.5


class NotYet(EntrepotError):
    """What was asked for is not here, and may be in a moment."""


class PullThrough:
    """All pulls of one server, each repository's one after the other."""

    def __init__(self, depot: Depot, *, clock: Callable[[], float], patience: float = PATIENCE) -> None:
        self._depot = depot
        self._clock = clock
        self._patience = patience
        self._pulls: dict[str, _Pulls | None] = {}

    async def bring(self, target: Target) -> bool:
        """Bring what a target asks for, if it may be brought; whether to look for it again.

        Waits for a bounded time. Raises `NotYet` when that is over or too much waits already, and
        what went wrong when it could not be fetched.
        """
        configured = self._depot.settings.repositories.get(target.name)
        if configured is None or not configured.pull_through or target.at is not None:
            return False
        if target.name not in self._pulls:
            self._pulls[target.name] = self._make(target.name)
        pulls = self._pulls[target.name]
        group = None if pulls is None else pulls.group_of(target.path or "")
        return False if pulls is None or group is None else await pulls.bring(group)

    async def close(self) -> None:
        """Cancel pulls that are under way; what they stored and saved stays for the next."""
        await asyncio.gather(*(pulls.close() for pulls in self._pulls.values() if pulls is not None))

    def _make(self, name: str) -> _Pulls | None:
        first, configured = self._depot.first_stage(name), self._depot.settings.repository(name)
        if first.pulls is None:
            return None
        group_of = first.pulls(configured.options_as(first.options))
        return _Pulls(self._depot, name, group_of=group_of, clock=self._clock, patience=self._patience)


@attrs.frozen
class _Asked:
    """A group that somebody waits for; the answer says whether upstream has it."""

    until: float
    answer: asyncio.Future[bool]


class _Pulls:
    """The pulls of one repository."""

    def __init__(
        self, depot: Depot, name: str, *, group_of: GroupOf, clock: Callable[[], float], patience: float
    ) -> None:
        self._depot, self._name = depot, name
        self.group_of = group_of
        self._clock, self._patience = clock, patience
        self._asked: dict[str, _Asked] = {}
        self._absent: dict[str, float] = {}
        self._room_at = 0.0
        self._brought: dict[str, float] = {}
        self._failed: dict[str, tuple[EntrepotError, float]] = {}
        self._in_a_row = 0
        self._paused: tuple[EntrepotError, float] | None = None
        self._task: asyncio.Task[None] | None = None

    async def bring(self, group: str) -> bool:
        """Wait until a group is here, upstream is known not to have it, or patience ends."""
        self._forget_what_is_over()
        if group in self._absent:
            return False
        if group in self._brought:  # whoever comes for it now had looked before it was there
            return True
        error, _ = self._failed.get(group) or self._paused or (None, 0.0)
        if error is not None:
            raise error.with_traceback(None)
        asked = self._asked.get(group) or self._ask(group)
        try:
            return await asyncio.wait_for(asyncio.shield(asked.answer), self._patience)
        except TimeoutError:
            raise NotYet(f"{group!r:.100} is being fetched; ask again in a moment") from None

    async def close(self) -> None:
        """End the pull that is under way, if there is one."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _forget_what_is_over(self) -> None:
        now = self._clock()
        self._failed = {group: kept for group, kept in self._failed.items() if kept[1] > now}
        self._brought = {group: until for group, until in self._brought.items() if until > now}
        if self._paused is not None and self._paused[1] <= now:
            self._paused, self._in_a_row = None, 0
        while self._absent and (oldest := next(iter(self._absent))) and self._absent[oldest] <= now:
            del self._absent[oldest]

    def _ask(self, group: str) -> _Asked:
        if len(self._asked) >= MOST_WAITING or not self._has_room():
            raise NotYet("too much that is not mirrored is being asked for; ask again later")
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_seen)
        asked = self._asked[group] = _Asked(self._clock() + self._patience, answer)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return asked

    def _has_room(self) -> bool:
        """Whether one more may turn out to be absent; where many are, one is forgotten early now and then."""
        if len(self._absent) < MOST_ABSENT:
            return True
        now = self._clock()
        if now < self._room_at:
            return False
        self._room_at = now + ABSENT_FOR / MOST_ABSENT
        del self._absent[next(iter(self._absent))]
        return True

    async def _work(self) -> None:
        """Pull until nobody waits; groups asked for meanwhile make the next pull."""
        try:
            while self._asked:
                await self._pull(dict(self._asked))
        finally:
            for group in list(self._asked):
                self._end(group, NotYet("the server is being stopped; ask again in a moment"))

    async def _pull(self, asked: Mapping[str, _Asked]) -> None:
        """Bring some groups with one sync, or each half of them where one of them may be at fault."""
        if self._paused is not None:
            self._end_all(asked, self._paused[0])
            return
        try:
            report = await self._sync(tuple(asked))
        except RepositoryBusy:
            await self._wait_for_the_other(asked)
        except (EntrepotError, ExceptionGroup) as error:
            if len(asked) > 1 and _may_be_of_one(error) and self._clock() < min(each.until for each in asked.values()):
                for half in _halves(asked):
                    await self._pull(half)
                return
            self._fail(asked, _told(error, self._name))
        except Exception as error:  # a plugin may raise anything; whoever waits is told
            logging.getLogger(__name__).exception("pulling into repository %r", self._name)
            self._fail(asked, EntrepotError(f"{type(error).__name__} while fetching"))
        else:
            self._in_a_row = 0
            self._end_by(report, asked)

    async def _sync(self, groups: tuple[str, ...]) -> Mapping[str, Any]:
        request = attrs.evolve(await asyncio.to_thread(self._depot.request, self._name), pulled=groups)
        first_stage = self._depot.first_stage(self._name).make(request)
        outcome = await self._depot.workshop.run(first_stage, request)
        return outcome.report

    async def _wait_for_the_other(self, asked: Mapping[str, _Asked]) -> None:
        """Leave the groups to the next turn; those that nobody may still wait for go."""
        now = self._clock()
        for group, each in asked.items():
            if each.until <= now:
                self._end(group, NotYet(f"repository {self._name!r} is being synced; ask again in a moment"))
        await asyncio.sleep(_BUSY)

    def _end_by(self, report: Mapping[str, Any], asked: Mapping[str, _Asked]) -> None:
        failed = {row["scope"]: row["error"] for row in report["failures"]}
        for group in asked:
            if group in report["pulled"]:
                self._end(group, True)
            elif group in failed:
                self._end(group, UpstreamError(failed[group]))
            else:
                self._end(group, False)

    def _fail(self, groups: Mapping[str, _Asked], error: EntrepotError) -> None:
        """Tell who waits; after some failures in a row, upstream and the catalog are let alone for a while."""
        self._in_a_row += 1
        if self._in_a_row >= MOST_IN_A_ROW:
            self._paused = error, self._clock() + PAUSE
        self._end_all(groups, error)

    def _end_all(self, groups: Mapping[str, _Asked], error: EntrepotError) -> None:
        for group in groups:
            self._end(group, error)

    def _end(self, group: str, how: bool | EntrepotError) -> None:
        """Tell who waits, and remember for a while what need not be tried again."""
        answer, now = self._asked.pop(group).answer, self._clock()
        if isinstance(how, bool):
            if how:
                self._brought[group] = now + RESTING
            else:
                self._absent[group] = now + ABSENT_FOR
            if not answer.done():
                answer.set_result(how)
            return
        if not isinstance(how, NotYet):
            self._failed[group] = how, now + RESTING
        if not answer.done():
            answer.set_exception(how)


def _halves(asked: Mapping[str, _Asked]) -> Iterator[dict[str, _Asked]]:
    groups = list(asked)
    for half in (groups[: len(groups) // 2], groups[len(groups) // 2 :]):
        yield {group: asked[group] for group in half}


def _may_be_of_one(error: Exception) -> bool:
    """Whether the groups of a pull may have failed for one among them."""
    return isinstance(error, ExceptionGroup | Failed | UpstreamError | IntegrityError)


def _told(error: EntrepotError | ExceptionGroup[Exception], name: str) -> EntrepotError:
    """What a client is told: what is wrong with the upstream or with us, not how we call it."""
    if isinstance(error, ExceptionGroup):
        return _told(_first(error), name)
    cause = error.cause if isinstance(error, Failed) else error
    if isinstance(cause, ConfigurationError):
        return UpstreamError(f"repository {name!r} cannot be synced: {cause.what}", cause.where, cause.remedy)
    return cause if isinstance(cause, EntrepotError) else error


def _first(errors: ExceptionGroup[Exception]) -> EntrepotError:
    found: Sequence[Exception] = errors.exceptions
    inner = found[0]
    if isinstance(inner, ExceptionGroup):
        return _first(inner)
    return inner if isinstance(inner, EntrepotError) else EntrepotError(f"{type(inner).__name__} while fetching")


def _seen(answer: asyncio.Future[bool]) -> None:
    """Take note of an error that nobody waits for any more, so that asyncio does not complain."""
    if not answer.cancelled():
        answer.exception()
