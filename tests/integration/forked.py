"""Processes that a test may stop or kill at any moment, forked from one that has everything imported."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs

TESTS: Final = Path(__file__).parent.parent


@attrs.frozen
class Zygote:
    """The process that others are forked from, one at a time."""

    _process: asyncio.subprocess.Process

    async def sync(self, order: dict[str, Any], *, kill_after: float | None = None) -> dict[str, Any]:
        """Sync in a child to its end, or until it is killed."""
        await self.begin({**order, "kill_after": kill_after})
        return await self.ended()

    async def begin(self, order: dict[str, Any]) -> dict[str, Any]:
        """Start a child, and return its process and address once its depot is open."""
        assert self._process.stdin is not None
        whole: dict[str, Any] = {"do": "sync", "names": ["fw"], "catalog": None, "planted": None, "kill_after": None}
        whole |= {"patience": 10.0, "rounds": 1, **order}
        self._process.stdin.write(json.dumps(whole).encode() + b"\n")
        return await self._answer()

    async def ended(self) -> dict[str, Any]:
        """Wait until the child has ended, and return how."""
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer


@asynccontextmanager
async def zygote() -> AsyncIterator[Zygote]:
    """Start one; it ends with the block, and so does what it forked."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("zygote.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        start_new_session=True,
    )
    try:
        yield Zygote(process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()
