"""One step of a pipeline: reads units, does one thing, passes units on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import ClassVar, Generic, TypeVar

from entrepot.errors import NotBound, NotConnected
from entrepot.pipeline.connection import Connection
from entrepot.pipeline.iteration import Batches, Items

T = TypeVar("T")

NO_FACTS: frozenset[str] = frozenset()


class Stage(ABC, Generic[T]):
    """Write `run`, which reads with `items` or `batches` and passes on with `put`.

    A subclass need not call `super().__init__()`. A stage is told apart from others by identity and
    works in one pipeline at a time; afterwards it can be run again. What `run` raises ends the
    whole pipeline. `run` may return before its input ends: what it did not read is counted as
    unread, and earlier stages go on undisturbed.

    The facts say where in a plan the stage may stand: it `needs` what earlier stages gave, `gives`
    what later ones may need, stands before anyone gives what it `precedes`, and `spoils` what no
    longer holds after it. With `whole_stream` it must see every unit of a sync, which is then not split.
    """

    needs: ClassVar[frozenset[str]] = NO_FACTS
    gives: ClassVar[frozenset[str]] = NO_FACTS
    precedes: ClassVar[frozenset[str]] = NO_FACTS
    spoils: ClassVar[frozenset[str]] = NO_FACTS
    whole_stream: ClassVar[bool] = False

    _connection: Connection[T] | None = None

    @abstractmethod
    async def run(self) -> None:
        """Do the work; called once in each pipeline, and cancelled when another stage fails."""

    async def __call__(self) -> None:
        """Run, then tell the next stage that nothing more will come; after a failure it is not told."""
        connection = self._run
        await self.run()
        connection.output.close()

    def items(self) -> AsyncIterator[T]:
        """Units from the stage before, one by one, in order.

        Breaking off loses nothing: the next `items` or `batches` goes on with the unit after. Tasks
        that iterate side by side share the units.
        """
        return Items(self._run.input)

    def batches(self, minsize: int = 500) -> AsyncIterator[list[T]]:
        """Units from the stage before in lists of at least `minsize`, in order, and never an empty one.

        There are fewer at the end of the stream, and whenever somebody in the run waits: then what is
        there is given as soon as the input is empty.
        """
        return Batches(self._run.input, minsize)

    async def put(self, item: T) -> None:
        """Pass a unit on, waiting while the next stage has no room; it can be taken once this returns.

        Raises `ValueError` for None. A cancelled `put` may have passed its unit on.
        """
        if item is None:
            raise ValueError(f"stage {type(self).__name__!r} put None, which is no unit")
        connection = self._connection
        if connection is None:
            raise NotConnected(type(self).__name__)
        output = connection.output
        if len(output.units) < output.ready_below:  # as in Channel.put, without the price of one more call
            output.units.append(item)
        else:
            await output.put_slowly(item)

    @property
    def context(self) -> object:
        """What `create_pipeline` was given for its stages; raises `NotBound` when that is nothing."""
        context = self._run.context
        if context is None:
            raise NotBound(f"stage {type(self).__name__!r}")
        return context

    @property
    def _run(self) -> Connection[T]:
        if self._connection is None:
            raise NotConnected(type(self).__name__)
        return self._connection


class EndStage(Stage[T]):
    """Drain the stream, and put nothing on."""

    async def run(self) -> None:
        async for _ in self.batches(minsize=1):
            pass


def connect(stage: Stage[T], connection: Connection[T]) -> None:
    """Join a stage to a run; `ValueError` when it takes part in another."""
    if stage._connection is not None:
        raise ValueError(f"stage {type(stage).__name__!r} already runs in another pipeline: make a second instance")
    object.__setattr__(stage, "_connection", connection)  # a stage may be a frozen attrs class


def disconnect(stage: Stage[T]) -> None:
    """Part a stage from its run."""
    object.__setattr__(stage, "_connection", None)
