"""Where the whole file system may be synced at one go."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from entrepot.storage.whole_sync import syncfs_for


class Kernel:
    """What `os.uname` says on another machine."""

    def __init__(self, sysname: str, release: str) -> None:
        self.sysname, self.release = sysname, release


@pytest.mark.parametrize(("sysname", "release"), [("Linux", "5.7.19"), ("Linux", "4.19.0"), ("Darwin", "24.1.0")])
def test_a_kernel_that_keeps_errors_to_itself_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sysname: str, release: str
) -> None:
    """Before Linux 5.8, bytes that could not be written went unnoticed."""
    monkeypatch.setattr(os, "uname", lambda: Kernel(sysname, release))

    assert syncfs_for(str(tmp_path)) is None


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="needs Linux")
def test_a_file_system_of_which_little_is_known_is_not_trusted() -> None:
    """/proc stands for all those that are not on the short list."""
    assert syncfs_for("/proc") is None
    assert syncfs_for("/nowhere/at/all") is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_an_error_of_the_system_is_raised(tmp_path: Path) -> None:
    """What `syncfs` reports reaches the caller, with its number."""
    syncfs = syncfs_for(str(tmp_path))
    if syncfs is None:
        pytest.skip("the file system of temporary folders is not one to be trusted with this")

    with open(tmp_path / "a file", "wb") as file:
        syncfs(file.fileno())
        closed = file.fileno()
    with pytest.raises(OSError, match="Bad file descriptor") as told:
        syncfs(closed)

    assert told.value.errno == errno.EBADF
