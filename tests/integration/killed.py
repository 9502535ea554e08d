"""A depot whose processes are killed: what it must hold afterwards, whatever the moment."""

from __future__ import annotations

import hashlib
import json
import random
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs

from entrepot.catalog.rows import Located
from entrepot.depot import Depot
from entrepot.testing.depots import depot
from integration import firmware
from integration.upstream import FirmwareUpstream

IMAGES = 12


@attrs.define
class Victim:
    """The depot, its upstream, and what stood under final names when it was last looked at."""

    folder: Path
    upstream: FirmwareUpstream
    policy: str = "immediate"
    held: frozenset[str] = frozenset()

    @property
    def order(self) -> dict[str, Any]:
        """What the zygote must know to open the depot."""
        return {"folder": str(self.folder), "repositories": self._repositories}

    @property
    def _repositories(self) -> dict[str, Any]:
        return {"fw": {"type": "firmware", "url": self.upstream.url, "mirror": True, "policy": self.policy}}

    def open(self) -> AbstractContextManager[Depot]:
        """Open it here, beside whoever else has it open."""
        return depot(self.folder, self._repositories, plugins=[("firmware", firmware)], installed=False)

    def publish(self, state: int) -> dict[str, bytes]:
        """Let all images change; what upstream has then, by path."""
        for number in range(IMAGES):
            size = 200_000 if number % 6 == 0 else 3_000
            self.upstream.add(f"image-{number}", random.Random(f"{state} {number}").randbytes(size))
        self.upstream.publish()
        return {f"{name}.bin": body for name, body in self.upstream.images.items()}

    def asked(self, since: int) -> set[str]:
        """The images that upstream was asked for from the n-th request on."""
        return {request.path.rpartition("/")[2] for request in self.upstream.origin.requests[since:]} - {"feed.json"}

    def look(self) -> frozenset[str]:
        """Digests of the files under final names; each that is new must have the bytes its name says."""
        digests = set()
        for path in self.folder.glob("home/storage/sha256/*/*"):
            digest = path.parent.name + path.name
            if digest not in self.held:
                assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, "wrong bytes under a final name"
            digests.add(digest)
        assert digests >= self.held, "a file that stood under its final name is gone"
        self.held = frozenset(digests)
        return self.held

    def forget(self) -> Victim:
        """Expect no file that is known to stand: a prune may have taken it."""
        self.held = frozenset()
        return self

    def litter(self) -> list[Path]:
        """Temporary files that nobody will need."""
        home = self.folder / "home"
        return [*home.glob("scratch-*"), *home.glob("storage/tmp/*")]


def finished(depot: Depot, since: int = 0) -> dict[int, dict[str, bytes]]:
    """Every visible version from a number on: what is served at each path."""
    reader = depot.catalog.reader
    versions = {}
    for row in reader.versions("fw"):
        if row.number < since:
            continue
        members = reader.members("fw", row.number)
        paths = [f"{json.loads(member.key)[1]}.bin" for member in members]
        located = [reader.locate("fw", row.number, path) for path in paths]
        versions[row.number] = {path: _served(depot, at) for path, at in zip(paths, located, strict=True)}
    return versions


def _served(depot: Depot, at: list[Located]) -> bytes:
    (answer,) = at
    assert answer.artifact is not None
    with depot.storage.open(answer.artifact.sha256) as file:
        return file.read()
