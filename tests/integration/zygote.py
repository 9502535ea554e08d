"""A process that has everything imported and forks syncs, to be killed at any moment.

Reads a line of JSON for each sync: {"folder", "repositories", "catalog", "kill_after"}. The child
that syncs is killed with SIGKILL after so many seconds (null: never). Answers with a line of JSON:
{"killed", "status", "seconds", "outcome"}.
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

from entrepot.operations.sync import sync
from entrepot.testing.depots import depot
from integration import firmware


def child(order: dict[str, Any], write: int) -> None:
    with depot(
        Path(order["folder"]),
        order["repositories"],
        plugins=[("firmware", firmware)],
        catalog=order["catalog"],
        installed=False,
    ) as opened:
        os.write(write, b"opened\n")
        outcome = asyncio.run(sync(opened, "fw"))
        os.write(write, json.dumps(outcome.to_json()).encode() + b"\n")


def run(order: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.close(read)
            child(order, write)
            status = 0
        except BaseException as error:  # the parent is told, and the child ends here in any case
            os.write(write, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode() + b"\n")
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as told:
        told.readline()
        if order["kill_after"] is not None:
            time.sleep(order["kill_after"])
            os.kill(pid, signal.SIGKILL)
        outcome = told.readline()
    _, status = os.waitpid(pid, 0)
    return {
        "killed": os.WIFSIGNALED(status),
        "status": status,
        "seconds": time.monotonic() - began,
        "outcome": json.loads(outcome) if outcome.endswith("\n") else None,
    }


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
