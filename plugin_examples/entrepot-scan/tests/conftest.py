"""A scanner that can be told what to do, as a program of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import pytest

SCANNER = '''\
"""Objects to files with EICAR in them; keeps a list of what it was given."""

import os, subprocess, sys, time

log, paths = sys.argv[1], sys.argv[2:]
bodies = [open(path, "rb").read() for path in paths] or [sys.stdin.buffer.read()]
with open(log, "a") as file:
    file.write(f"{os.getpid()} {len(bodies)}\\n")
status = 0
for path, body in zip(paths or ["stdin"], bodies):
    if b"EICAR" in body:
        print(f"{path}: \\x1b[31mEicar\\x07 FOUND" + "!" * 1_000_000)
        status = 1
    if b"BROKEN" in body:
        status = 2
    if b"SLOW" in body or b"DAEMON" in body:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(log + ".child", "w") as file:
            file.write(str(child.pid))
        os.rename(log + ".child", log + ".pid")
    if b"SLOW" in body:
        time.sleep(600)
sys.exit(status)
'''


@attrs.frozen
class FakeScanner:
    """The program, and the list that it keeps."""

    program: Path
    log: Path

    def command(self, *places: str) -> tuple[str, ...]:
        """How it is started."""
        return (sys.executable, str(self.program), str(self.log), *places)

    def scans(self) -> list[int]:
        """How many files each start was given."""
        return [int(line.split()[1]) for line in self.lines()]

    def lines(self) -> list[str]:
        """Process and number of files, a start a line."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    @property
    def child(self) -> Path:
        """Where a slow scan says which process it has started."""
        return self.log.with_name(f"{self.log.name}.pid")


@pytest.fixture
def scanner(tmp_path: Path) -> FakeScanner:
    """The scanner, ready to be started."""
    program = tmp_path / "scanner.py"
    program.write_text(SCANNER)
    return FakeScanner(program, tmp_path / "scans")
