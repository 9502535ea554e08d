"""What the engine costs for each unit and hop, beside the bare means of passing units on.

    python tests/benchmarks/engine.py [--runs 5] [--hops 10] [--units 200000]

A hop is one stage that passes units on, `async for unit in self.items(): await self.put(unit)`, with
a source before them and an `EndStage` behind; the trace is on, as always. In each run every case has
its turn, so that ratios hold on a noisy machine. At maxsize 1 a twentieth of the units is enough.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs

from entrepot.pipeline.run import Pipeline
from entrepot.plugin import Content, DeclarativeContent, EndStage, Stage, key

Case = Callable[[Sequence[Any], int, int], Awaitable[None]]


@attrs.frozen
class Number(Content):
    """The least that can be declared."""

    TYPE = "benchmark.number"
    number: int = key()


class Source(Stage):
    """Put on what it was given."""

    def __init__(self, units: Sequence[Any]) -> None:
        self.units = units

    async def run(self) -> None:
        for unit in self.units:
            await self.put(unit)


class PassOn(Stage):
    """Put on what comes."""

    async def run(self) -> None:
        async for unit in self.items():
            await self.put(unit)


class PassOnBatches(Stage):
    """Put on what comes, read in batches."""

    async def run(self) -> None:
        async for units in self.batches():
            for unit in units:
                await self.put(unit)


async def engine(units: Sequence[Any], hops: int, maxsize: int) -> None:
    """Single units all the way."""
    pipeline = Pipeline([Source(units), *(PassOn() for _ in range(hops)), EndStage()], maxsize)
    await pipeline.run()
    if pipeline.trace.stages[-1].units_in != len(units):
        raise SystemExit("units were lost on the way")


async def engine_in_batches(units: Sequence[Any], hops: int, maxsize: int) -> None:
    """Batches of at least 500."""
    await Pipeline([Source(units), *(PassOnBatches() for _ in range(hops)), EndStage()], maxsize).run()


async def bare_queues(units: Sequence[Any], hops: int, maxsize: int) -> None:
    """asyncio.Queue, with nothing counted, described or cancelled."""
    queues: list[asyncio.Queue[Any]] = [asyncio.Queue(maxsize) for _ in range(hops + 1)]

    async def source() -> None:
        for unit in units:
            await queues[0].put(unit)
        await queues[0].put(None)

    async def pass_on(place: int) -> None:
        while (unit := await queues[place].get()) is not None:
            await queues[place + 1].put(unit)
        await queues[place + 1].put(None)

    async def end() -> None:
        while await queues[-1].get() is not None:
            pass

    await asyncio.gather(source(), *(pass_on(place) for place in range(hops)), end())


class BareChannel:
    """A deque and two futures: about the least with which one task can wait for another."""

    def __init__(self, maxsize: int) -> None:
        self.units: deque[Any] = deque()
        self.maxsize = maxsize
        self.filled: asyncio.Future[None] | None = None
        self.emptied: asyncio.Future[None] | None = None

    async def put(self, unit: Any) -> None:
        while len(self.units) >= self.maxsize:
            self.emptied = asyncio.get_running_loop().create_future()
            await self.emptied
        self.units.append(unit)
        if self.filled is not None and not self.filled.done():
            self.filled.set_result(None)

    async def take(self) -> list[Any]:
        while not self.units:
            self.filled = asyncio.get_running_loop().create_future()
            await self.filled
        chunk = list(self.units)
        self.units.clear()
        if self.emptied is not None and not self.emptied.done():
            self.emptied.set_result(None)
        return chunk


async def bare_channels(units: Sequence[Any], hops: int, maxsize: int) -> None:
    """Bare channels, read by chunk and written by unit."""
    channels = [BareChannel(maxsize) for _ in range(hops + 1)]

    async def source() -> None:
        for unit in units:
            await channels[0].put(unit)
        await channels[0].put(None)

    async def pass_on(place: int) -> None:
        put = channels[place + 1].put
        while True:
            for unit in await channels[place].take():
                await put(unit)
                if unit is None:
                    return

    async def end() -> None:
        while (await channels[-1].take())[-1] is not None:
            pass

    await asyncio.gather(source(), *(pass_on(place) for place in range(hops)), end())


def measure(case: Case, units: Sequence[Any], hops: int, maxsize: int) -> float:
    """Item-hops a second in one run."""
    began = time.perf_counter()
    asyncio.run(_awaited(case(units, hops, maxsize)))
    return len(units) * hops / (time.perf_counter() - began)


async def _awaited(work: Awaitable[None]) -> None:
    await work


def main() -> None:
    """Measure every case in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--hops", type=int, default=10)
    parser.add_argument("--units", type=int, default=200_000)
    options = parser.parse_args()

    integers = range(options.units)
    declared = [DeclarativeContent(Number(number)) for number in integers]
    few = range(max(options.units // 20, 1))
    cases: dict[str, tuple[Case, Sequence[Any], int]] = {
        "asyncio.Queue, maxsize 1000": (bare_queues, integers, 1000),
        "bare deque channel, maxsize 1000": (bare_channels, integers, 1000),
        "entrepot, integers, maxsize 1000": (engine, integers, 1000),
        "entrepot, declarative contents, maxsize 1000": (engine, declared, 1000),
        "entrepot, integers in batches, maxsize 1000": (engine_in_batches, integers, 1000),
        "asyncio.Queue, maxsize 1": (bare_queues, few, 1),
        "bare deque channel, maxsize 1": (bare_channels, few, 1),
        "entrepot, integers, maxsize 1": (engine, few, 1),
    }
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.runs):
        for name, (case, units, maxsize) in cases.items():
            rates[name].append(measure(case, units, options.hops, maxsize))

    print(
        f"{options.units:,} units, {options.hops} hops, median of {options.runs} (least to most), million item-hops/s"
    )
    for name, measured in rates.items():
        queue = rates[f"asyncio.Queue, maxsize {cases[name][2]}"]
        ratio = statistics.median(rate / bare for rate, bare in zip(measured, queue, strict=True))
        spread = f"{min(measured) / 1e6:.2f} to {max(measured) / 1e6:.2f}"
        print(f"{name:46} {statistics.median(measured) / 1e6:6.2f}  ({spread})  {ratio:5.1f} x asyncio.Queue")


if __name__ == "__main__":
    main()
