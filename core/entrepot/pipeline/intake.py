"""What a stage has taken from its input: looked at one by one, or gathered into batches."""

from __future__ import annotations

from collections.abc import Iterator
from operator import length_hint
from typing import Generic, TypeVar

from entrepot.pipeline.channel import Channel
from entrepot.pipeline.meter import Meter
from entrepot.pipeline.waiters import Waiters

T = TypeVar("T")


class Intake(Generic[T]):
    """The taking end of a channel, with what was taken and not yet given to the stage.

    All iterations of one stage share it, one after the other or side by side: each unit is given to
    one of them, and an iteration that breaks off or is cancelled leaves the rest to the next.
    """

    __slots__ = ("_channel", "_given", "_given_whole", "_hand", "_kept", "_lost", "_meter", "_waiters")

    def __init__(self, channel: Channel[T], waiters: Waiters, *, meter: Meter) -> None:
        self._channel, self._waiters, self._meter = channel, waiters, meter
        self._given: list[T] = []  # the last chunk or batch, to tell what a stage works on
        self._hand: Iterator[T] = iter(())  # what is left of it, when it is given one by one
        self._given_whole = False
        self._kept: list[T] = []  # a batch that is not full yet
        self._lost = 0
        waiters.on_first(self._let_go)

    @property
    def hand(self) -> Iterator[T]:
        """What can be given without waiting; empty when `refill` is due."""
        return self._hand

    @property
    def depth(self) -> int:
        """How many units wait to be given to the stage."""
        return len(self._channel.units) + len(self._kept) + length_hint(self._hand)

    @property
    def given(self) -> int:
        """How many units the stage has been given."""
        return self._channel.taken - len(self._kept) - length_hint(self._hand) - self._lost

    @property
    def unread(self) -> int:
        """How many units the stage was sent and never looked at, because it ended before its input."""
        return self._lost + self._channel.dropped

    @property
    def working_on(self) -> list[T]:
        """What the stage was given last: one unit, a batch, or nothing."""
        if self._given_whole:
            return self._given
        looked_at = len(self._given) - length_hint(self._hand)
        return self._given[:looked_at][-1:]

    async def refill(self) -> bool:
        """Wait until there is something in `hand`; False at the end of the stream."""
        channel = self._channel
        while not length_hint(self._hand):
            self._given, self._given_whole = [], False
            if self._kept or channel.units:
                self._given, self._kept = (self._kept or channel.take()), []
                self._hand = iter(self._given)
                return True
            if channel.ended:
                return False
            await channel.arrival()
        return True

    async def gather(self, minsize: int) -> list[T]:
        """Wait for at least `minsize` units; an empty list at the end of the stream.

        There are fewer at the end, and as soon as the input is empty while anybody waits.
        """
        self._kept = [*self._hand, *self._kept]
        self._given, self._given_whole = [], True
        while len(self._kept) < max(minsize, 1):
            if self._channel.units:  # taking lets senders in: look until nothing is left
                self._kept += self._channel.take()
            elif self._channel.ended or (self._kept and self._waiters.count):
                break
            else:
                await self._channel.arrival()
        batch, self._kept = self._kept, []
        if batch:
            self._meter.count_batch(len(batch))
        self._given = batch
        return batch

    def abandon(self) -> None:
        """Take nothing more; what was not given to the stage counts as unread."""
        self._lost += len(self._kept) + length_hint(self._hand)
        self._given, self._hand, self._kept = [], iter(()), []
        self._channel.abandon()

    def stop(self) -> None:
        """End the run here: whoever waits for input is cancelled."""
        self._channel.stop()

    def _let_go(self) -> None:
        if self._kept:
            self._channel.wake()
