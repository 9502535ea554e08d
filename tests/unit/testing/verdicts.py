"""Running a contract by hand: which of its promises hold for what it is given."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from entrepot.errors import EntrepotError

BROKEN = (AssertionError, pytest.fail.Exception, EntrepotError, ExceptionGroup, TimeoutError)


class Kit(Protocol):
    """A contract whose tests ask for a bench and parameters, and for nothing else."""

    def make_bench(self, folder: Path) -> AbstractAsyncContextManager[Any]: ...


def promises(kit: type[Kit]) -> list[str]:
    """The names of a contract's tests."""
    return [name for name in dir(kit) if name.startswith("test_")]


async def broken_promises(kit: type[Kit], folder: Path, only: Collection[str] = ()) -> set[str]:
    """Run the tests of a contract, with all their parameters, and name those that fail."""
    folders = (folder / str(number) for number in itertools.count())
    return {name for name in only or promises(kit) if not await _holds(kit, name, folders, cases(getattr(kit, name)))}


async def _holds(kit: type[Kit], name: str, folders: Iterator[Path], every: list[dict[str, object]]) -> bool:
    for case in every:
        folder = next(folders)
        folder.mkdir()
        try:
            await _run(kit(), name, folder, case)
        except pytest.skip.Exception:
            continue
        except BROKEN:
            return False
    return True


async def _run(kit: Kit, name: str, folder: Path, case: dict[str, object]) -> None:
    test: Callable[..., Awaitable[None] | None] = getattr(kit, name)
    if "bench" not in inspect.signature(test).parameters:
        running = test(**case)
        assert running is None
        return
    async with kit.make_bench(folder) as bench:
        running = test(bench, **case)
        assert running is not None
        await running


def cases(test: Callable[..., Any]) -> list[dict[str, object]]:
    """The parameters that pytest would run a test with."""
    found: list[dict[str, object]] = [{}]
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            name, values = mark.args[0], mark.args[1]
            found = [{**case, name: value} for case in found for value in values]
    return found
