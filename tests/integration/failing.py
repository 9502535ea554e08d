"""A process that forks others, which work until a failpoint kills them.

Reads a line of JSON for each: {"workload", "folder", "repositories", "order", "planted"}; answers
with {"killed", "error"} once the child has ended.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from entrepot.failpoints import arm
from entrepot.storage.disk import Disk
from integration.workloads import WORKLOADS

_TESTS = Path(__file__).parent.parent


@attrs.frozen
class Forks:
    """The process, from the side of the test."""

    _process: asyncio.subprocess.Process

    async def work(self, order: str, workload: str, *, folder: Path, **given: Any) -> dict[str, Any]:
        """Work in a child until it ends or is killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        whole = {"planted": False, **given, "order": order, "workload": workload, "folder": str(folder)}
        self._process.stdin.write(json.dumps(whole).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer


@asynccontextmanager
async def forks() -> AsyncIterator[Forks]:
    """Start the process; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_TESTS), *sys.path])},
        start_new_session=True,
    )
    try:
        yield Forks(process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


def straight(disk: Disk, path: str, name: str) -> None:
    """Write to the final name, bit by bit: the mistake that a sweep is there to find."""
    body = Path(path).read_bytes()
    file = disk.create(name)
    for part in (body[: len(body) // 2], body[len(body) // 2 :]):
        disk.write(file, part)
    disk.close(file)


def child(order: dict[str, Any]) -> None:
    if order["planted"]:
        setattr(Disk, "link", straight)  # noqa: B010  a planted mistake, which no type allows
    with arm(order["order"]):
        asyncio.run(WORKLOADS[order["workload"]].work(Path(order["folder"]), order["repositories"]))


def run(order: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            child(order)
        except BaseException as failure:  # the parent is told, and the child ends here in any case
            os.write(write, f"{type(failure).__name__}: {failure}".encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        error = told.read()
    _, status = os.waitpid(pid, 0)
    return {"killed": os.WIFSIGNALED(status), "error": error}


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
