"""Keeps files until it is killed: the process that the kill test ends. Arguments: folder, seed, sizes."""

from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path

from entrepot.model.artifact import Artifact
from entrepot.storage.filesystem import FilesystemStorage

#: Some of all sizes; and so many small ones that another process keeps them.
SIZES = {"all": (10, 4096, 70_000, 300_000) * 10, "small": (10, 500, 2000) * 100}


def bodies(seed: str, number: int, sizes: str) -> list[bytes]:
    """The bytes of one batch, the same for whoever asks."""
    return [
        hashlib.shake_128(f"{seed} {number} {place}".encode()).digest(size) for place, size in enumerate(SIZES[sizes])
    ]


def main(folder: str, seed: str, sizes: str) -> None:
    """Say the number of each batch once it is kept."""
    storage = FilesystemStorage(Path(folder))
    for number in itertools.count():
        batch = []
        for body in bodies(seed, number, sizes):
            incoming = storage.receive(Artifact(size=len(body)))
            incoming.write(body)
            batch.append(incoming.finish())
        storage.keep(batch)
        print(number, flush=True)  # noqa: T201 - this is how it tells


if __name__ == "__main__":
    main(*sys.argv[1:])
