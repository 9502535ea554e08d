"""The folder that a depot lives in."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.operations.home import file_system, home_findings

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export {folder}/shared nfs4 rw 0 0
tmpfs {folder}/with\\040space tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("name", "kind"), [("", "ext4"), ("shared", "nfs4"), ("shared/below", "nfs4"), ("with space", "tmpfs")]
)
def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path, name: str, kind: str) -> None:
    """Spaces in mount points are written in another way by the kernel."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(folder=tmp_path))

    assert file_system(tmp_path / name, mounts) == kind


def test_where_the_kernel_does_not_tell_nothing_is_guessed(tmp_path: Path) -> None:
    """Not every system has the list of mounts."""
    assert file_system(tmp_path, tmp_path / "absent") is None


@pytest.mark.parametrize(("mode", "state"), [(0o700, "ok"), (0o755, "ok"), (0o777, "bad")])
def test_a_home_that_everybody_may_write_is_bad(tmp_path: Path, mode: int, state: str) -> None:
    """Anybody could put other bytes under a name."""
    tmp_path.chmod(mode)

    (home,) = [finding for finding in home_findings(tmp_path) if finding.subject == "home"]

    assert home.state == state


def test_a_home_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    """And nothing else is looked at."""
    (finding,) = home_findings(tmp_path / "absent")

    assert (finding.state, finding.remedy) == ("bad", "entrepot init")
