"""Messages that are to be delivered, one file each: they outlive the process that wrote them."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen
class Message:
    """What is delivered, byte for byte the same each time; its id too."""

    file: Path
    body: bytes = attrs.field(repr=False)

    @property
    def id(self) -> str:
        """By which a receiver knows a message that it had already."""
        return self.file.stem

    @property
    def age(self) -> float:
        """Seconds since it was written."""
        return time.time() - int(self.id.split("_")[1]) / 1e9

    def drop(self) -> None:
        """Take it out; nothing happens when somebody else did."""
        self.file.unlink(missing_ok=True)


@attrs.frozen
class Outbox:
    """The messages of one repository, readable by their owner alone."""

    folder: Path

    def add(self, payload: Mapping[str, Any]) -> Message:
        """Keep a message; it survives a power cut once this returns."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"msg_{time.time_ns():020}_{os.urandom(8).hex()}"
        body = json.dumps({**payload, "id": name}, sort_keys=True).encode()
        part = self.folder / f"{name}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self.folder / f"{name}.json")
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return Message(self.folder / f"{name}.json", body)

    def pending(self) -> list[Message]:
        """All that is not delivered yet, oldest first."""
        found = []
        for file in sorted(self.folder.glob("msg_*.json")):
            try:
                found.append(Message(file, file.read_bytes()))
            except FileNotFoundError:
                continue  # delivered meanwhile, by another process
        return found

    @contextmanager
    def held(self, until: float) -> Iterator[bool]:
        """Whether we alone deliver from here; waits for another process up to a moment of `time.monotonic`."""
        with (self.folder / ".lock").open("ab") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() >= until:
                        yield False
                        return
                    time.sleep(0.05)
                else:
                    yield True
                    return
