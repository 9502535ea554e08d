"""A program that behaves like an entrepot which syncs, as the name of the repository says.

`executor_contract` has executors start it in entrepot's place: it imports nothing of ours, so that
it starts in a moment and misbehaves on the spot.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

LONG = 300_000


def say(text: str, stream: TextIO | None = None) -> None:
    """Write text as it is, on stdout unless said otherwise, and at once."""
    stream = stream or sys.stdout
    stream.write(text)
    stream.flush()


def tell(repository: str, event: str, **said: object) -> None:
    """Print one line, as `entrepot --json sync` prints it."""
    say(json.dumps({"event": event, "repository": repository, **said}) + "\n")


def ends(repository: str, code: str) -> None:
    """End with an exit code; what is not 0 is told."""
    if code != "0":
        tell(repository, "error", error="as asked")
        say("error: as asked\n", sys.stderr)
    else:
        tell(repository, "synced", words=sys.argv[1:])
    sys.exit(int(code))


def is_wordy(repository: str) -> None:
    """Print a line that no pipe takes at once, with a pause in its middle, and one that has no end."""
    line = json.dumps({"event": "failed", "repository": repository, "key": "ü" * LONG}, ensure_ascii=False).encode()
    for part in (line[:-LONG], line[-LONG:] + b"\n"):
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        time.sleep(0.05)
    tell(repository, "synced")
    say("the last words", sys.stderr)


def is_killed(repository: str) -> None:
    """Die in the middle of a line."""
    say(f'{{"event": "failed", "repository": "{repository}", ')
    os.kill(os.getpid(), signal.SIGKILL)


def is_patient(repository: str, home: Path) -> None:
    """Work until it is asked to stop, and then take its time to leave things in order."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    try:
        tell(repository, "started")
        while True:
            time.sleep(0.05)
    finally:
        time.sleep(0.2)
        (home / "in-order").touch()


def meets(repository: str, home: Path, count: str) -> None:
    """Go on when so many are there at one time."""
    (home / f"came-{repository}").touch()
    while len([*home.glob("came-*")]) < int(count):
        time.sleep(0.02)
    tell(repository, "synced")


def main() -> None:
    """Find out what to do from the last word; the word after `--home` is a folder to use."""
    home = Path(sys.argv[sys.argv.index("--home") + 1])
    repository = sys.argv[-1]
    match repository.split("-"):
        case ["ends", code]:
            ends(repository, code)
        case ["wordy"]:
            is_wordy(repository)
        case ["killed"]:
            is_killed(repository)
        case ["patient"]:
            is_patient(repository, home)
        case ["meets", count, _]:
            meets(repository, home, count)


if __name__ == "__main__":
    main()
