"""Where tests keep their temporary files: in memory, where there is room for them.

    python tests/temporary_files.py

prints the folder. Most tests make a depot, which is hundreds of folders and a dozen waits for the
disk; what such a test is about shows in memory as well. Tests of the disk itself mount one.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

#: What pytest calls the variable that says where its temporary folders are.
VARIABLE = "PYTEST_DEBUG_TEMPROOT"

_MEMORY = Path("/dev/shm")  # where Linux has a file system in memory
_ROOM = 2 * 1024**3
_AVAILABLE = 6 * 1024**3
_SAID = re.compile(r"^MemAvailable: +(\d+) kB$", re.MULTILINE)


def temporary_root() -> Path:
    """The folder that `PYTEST_DEBUG_TEMPROOT` names; else one in memory; else where they are without this."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    return _MEMORY if _has_room(_MEMORY) else Path(tempfile.gettempdir())


def _has_room(memory: Path) -> bool:
    try:
        said = _SAID.search(Path("/proc/meminfo").read_text())
        free = shutil.disk_usage(memory).free
    except OSError:
        return False
    return os.access(memory, os.W_OK) and free >= _ROOM and said is not None and int(said[1]) * 1024 >= _AVAILABLE


if __name__ == "__main__":
    sys.stdout.write(f"{temporary_root()}\n")
