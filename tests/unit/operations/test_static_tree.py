"""Trees that take each other's place: whole or not at all, and nothing goes that no export made."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.errors import ConfigurationError, DepotBusy, DepotError, InvalidPath
from entrepot.operations.static_tree import building

KILLED = """
import os, signal, sys
from pathlib import Path
from entrepot.operations.static_tree import building
with building(Path(sys.argv[1])) as tree:
    tree.write("pool/half", b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def files(folder: Path) -> dict[str, bytes]:
    """What can be read below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def trees(directory: Path) -> list[str]:
    """Names of the trees beside a directory, shown or not."""
    return [path.name for path in directory.with_name(f".{directory.name}.entrepot").glob("tree-*")]


def test_a_tree_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """Nothing of the one before stays, and nothing of the new one shows before it is whole."""
    site = tmp_path / "new" / "site"
    with building(site) as tree:
        tree.write("a/b", b"old")
    with building(site) as tree:
        tree.copy("c", io.BytesIO(b"new"))
        shown = files(site)

    assert shown == {"a/b": b"old"}
    assert files(site) == {"c": b"new"}
    assert len(trees(site)) == 1


def test_a_failure_leaves_the_directory_as_it_was(tmp_path: Path) -> None:
    """And nothing of what was begun."""
    site = tmp_path / "site"
    with building(site) as tree:
        tree.write("a", b"old")
    with pytest.raises(InvalidPath), building(site) as tree:
        _ = [tree.write(path, b"new") for path in ("b", "../b")]

    assert files(site) == {"a": b"old"}
    assert len(trees(site)) == 1


def test_what_a_killed_export_left_goes_with_the_next(tmp_path: Path) -> None:
    """Until then it is beside the directory, which still leads to the tree before."""
    site = tmp_path / "site"
    with building(site) as tree:
        tree.write("a", b"old")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(site)], env={"PYTHONPATH": ":".join(sys.path)}, check=False
    )
    between, left = files(site), len(trees(site))
    with building(site) as tree:
        tree.write("a", b"new")

    assert killed.returncode == -9
    assert between == {"a": b"old"}
    assert left == 2
    assert len(trees(site)) == 1
    assert files(site) == {"a": b"new"}


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_no_export_made_is_not_replaced(tmp_path: Path, kind: str) -> None:
    """Whatever it is, and wherever it leads."""
    site, kept = tmp_path / "site", tmp_path / "kept"
    kept.mkdir()
    (kept / "mine").write_text("mine")
    if kind == "folder":
        kept.rename(site)
    elif kind == "file":
        (kept / "mine").rename(site)
    else:
        site.symlink_to(kept)

    with pytest.raises(ConfigurationError, match="no export has made"), building(site):
        pytest.fail("it was begun")

    assert "mine" in [path.read_text() for path in (site, site / "mine") if path.is_file()]


def test_a_workshop_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """Its name alone says nothing."""
    theirs = tmp_path / ".site.entrepot" / "tree-mine"
    theirs.mkdir(parents=True)

    with pytest.raises(ConfigurationError, match="no export has made"), building(tmp_path / "site"):
        pytest.fail("it was begun")

    assert theirs.exists()


def test_two_exports_into_one_directory_are_refused(tmp_path: Path) -> None:
    """The second one, before it changes anything."""
    site = tmp_path / "site"
    with building(site) as tree:
        with pytest.raises(DepotBusy), building(site):
            pytest.fail("it was begun")
        tree.write("a", b"first")

    assert files(site) == {"a": b"first"}


@pytest.mark.parametrize("directory", ["/", "gone/.."])
def test_a_directory_without_a_name_is_refused(tmp_path: Path, directory: str) -> None:
    """Nothing can take its place; and nothing is made on the way to it."""
    with pytest.raises(ConfigurationError, match="no name of its own"), building(tmp_path / directory):
        pass

    assert not list(tmp_path.iterdir())


@pytest.mark.fault("B06")
def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """Served, both are had; a tree with one of them would look whole."""
    with building(tmp_path / "site") as tree:
        tree.write("a", b"file")
        with pytest.raises(DepotError, match="a file has the name of one of its folders") as caught:
            tree.write("a/b", b"in a folder")

    assert caught.value.where == "a/b"


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", ""])
def test_no_path_leaves_the_tree(tmp_path: Path, path: str) -> None:
    """Checked again, though whoever published it checked it."""
    with pytest.raises(InvalidPath), building(tmp_path / "site") as tree:
        tree.write(path, b"out")

    assert not list(tmp_path.rglob("out"))


def test_the_first_file_at_a_path_stays(tmp_path: Path) -> None:
    """Whoever comes later is told, however it would be made."""
    source = tmp_path / "source"
    source.write_text("linked")
    with building(tmp_path / "site") as tree:
        told = [tree.link("a", source), tree.link("a", source), tree.write("a", b""), tree.copy("a", io.BytesIO(b""))]

    assert told == [True, False, False, False]
    assert (tmp_path / "site" / "a").samefile(source)
