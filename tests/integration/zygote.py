"""A process that has everything imported and forks others, to be stopped or killed at any moment.

Reads a line of JSON for each: {"do", "names", "folder", "repositories", "catalog", "planted",
"kill_after", "patience", "rounds"}. The child syncs these at once, prunes, or serves until it is killed; it is killed
with SIGKILL after so many seconds (null: never by us). Answers with a line {"pid", "address"} once
the depot is open, or served, and with a line {"killed", "status", "seconds", "outcome"} once the
child has ended.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from entrepot.depot import Depot
from entrepot.operations.prune import prune
from entrepot.operations.sync import sync
from entrepot.testing.depots import depot
from entrepot.testing.serving import served
from integration import firmware, planted


def child(order: dict[str, Any], write: int) -> None:
    planted.BUGS[order["planted"]]()
    with depot(
        Path(order["folder"]),
        order["repositories"],
        plugins=[("firmware", firmware)],
        catalog=order["catalog"],
        installed=False,
    ) as opened:
        if order["do"] == "serve":
            asyncio.run(serve(opened, write))
        tell(write, "")
        if order["do"] == "prune":
            rounds = [prune(opened, keep=1, patience=order["patience"]) for _ in range(order["rounds"])]
            tell(write, [line for one in rounds for line in one.to_json()])
        else:
            tell(write, asyncio.run(sync_all(opened, order["names"])))


async def sync_all(opened: Depot, names: list[str]) -> list[Any]:
    outcomes = await asyncio.gather(*(sync(opened, name) for name in names))
    return [outcome.to_json() for outcome in outcomes]


async def serve(opened: Depot, write: int) -> None:
    async with served(opened) as address:
        tell(write, address)
        await asyncio.Event().wait()


def tell(write: int, answer: Any) -> None:
    os.write(write, json.dumps(answer).encode() + b"\n")


def fork(order: dict[str, Any]) -> tuple[int, int]:
    """Start a child; its process, and the end of the pipe that it writes to."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    status = 70
    try:
        os.close(read)
        child(order, write)
        status = 0
    except BaseException as error:  # the parent is told, and the child ends here in any case
        tell(write, {"error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(status)


def run(order: dict[str, Any]) -> None:
    began = time.monotonic()
    pid, read = fork(order)
    with os.fdopen(read) as told:
        first = told.readline()
        answer({"pid": pid, "address": json.loads(first) if first else None})
        if order["kill_after"] is not None:
            time.sleep(order["kill_after"])
            os.kill(pid, signal.SIGKILL)
        outcome = told.readline()
    _, status = os.waitpid(pid, 0)
    answer(
        {
            "killed": os.WIFSIGNALED(status),
            "status": status,
            "seconds": time.monotonic() - began,
            "outcome": json.loads(outcome) if outcome.endswith("\n") else None,
        }
    )


def answer(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        run(json.loads(line))


if __name__ == "__main__":
    main()
