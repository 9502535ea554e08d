"""Keeps what was refused, for whoever wants to look at it: never served, readable by its owner alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO


def keep(folder: Path, path: Path, note: Mapping[str, object], *, name: str, most: int) -> str:
    """Copy a file to `folder`, with a note beside it; say in a few words what came of it.

    The note is `NAME.json`. The same file again replaces its note. There are at most `most` files;
    what does not fit, or cannot be written, is refused all the same and only not kept.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = folder / name
        if not kept.exists():
            if sum(1 for file in folder.glob("*.json")) >= most:
                return f"not kept, for {folder} is full"
            with _private(folder / f"{name}.part") as file, path.open("rb") as body:
                shutil.copyfileobj(body, file)
            (folder / f"{name}.part").replace(kept)
        with _private(folder / f"{name}.json") as file:
            file.write(json.dumps(note, indent=2, sort_keys=True).encode() + b"\n")
    except OSError as error:
        return f"not kept, for {folder} cannot be written: {error.strerror}"
    return f"kept as {kept}"


def _private(path: Path) -> IO[bytes]:
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
