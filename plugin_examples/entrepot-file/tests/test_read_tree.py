"""Mirroring a folder of this machine into a real depot."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot.plugin import Failed, UpstreamError

FILES = {"a.iso": b"a", "folder/b c%41#?.iso": b"b", "folder/deeper/ünï": b"u", "empty": b"", ".hidden": b"h"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files and folders."""
    root = tmp_path / "a tree"
    for path, body in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(body)
    return root


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_file_of_a_folder_is_mirrored(
    tree: Path, open_depot: Callable[..., Any], sync: Any, listed: Any, policy: str, slash: str
) -> None:
    """Whatever the names are; an empty folder is nothing, a hidden file is something."""
    (tree / "nothing").mkdir()
    with open_depot(tree.as_uri() + slash, policy=policy) as opened:
        await sync(opened)

        assert listed(opened) == (FILES if policy == "immediate" else dict.fromkeys(FILES))
        manifest = opened.catalog.reader.locate("isos", 1, "PULP_MANIFEST")[0].body
    assert len(manifest.splitlines()) == len(FILES)


async def test_a_folder_that_did_not_change_is_not_read(
    tree: Path, open_depot: Callable[..., Any], sync: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes and times are enough to keep what is known of each folder; mirroring removes nothing."""
    read: list[str] = []
    with open_depot(tree.as_uri()) as opened:
        await sync(opened)
        monkeypatch.setattr("entrepot_file.read_tree._hash", lambda file: read.append(file.relative_path))

        assert await sync(opened) is None

    assert read == []


async def test_only_the_folder_that_changed_is_read(
    tree: Path, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """Changed, new and removed files make a version; other folders are as they were."""
    with open_depot(tree.as_uri()) as opened:
        await sync(opened)
        (tree / "folder/b c%41#?.iso").write_bytes(b"changed")
        (tree / "folder/new").write_bytes(b"new")
        (tree / "empty").unlink()

        await sync(opened)

        changed = {**FILES, "folder/b c%41#?.iso": b"changed", "folder/new": b"new"}
        del changed["empty"]
        assert listed(opened, 2) == changed


async def test_with_skip_unchanged_off_every_file_is_read(
    tree: Path, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """Who does not trust times reads all; the same bytes make no version."""
    with open_depot(tree.as_uri(), options={"skip_unchanged": False}) as opened:
        await sync(opened)
        status = (tree / "a.iso").stat()
        (tree / "a.iso").write_bytes(b"x")
        os.utime(tree / "a.iso", ns=(status.st_atime_ns, status.st_mtime_ns))

        assert await sync(opened) is not None
        assert listed(opened, 2)["a.iso"] == b"x"
        assert await sync(opened) is None


async def test_a_folder_that_is_gone_goes(tree: Path, open_depot: Callable[..., Any], sync: Any, listed: Any) -> None:
    """A folder that is not there any more is not kept by what was noted of it."""
    with open_depot(tree.as_uri()) as opened:
        await sync(opened)
        (tree / "folder/deeper/ünï").unlink()
        (tree / "folder/deeper").rmdir()

        await sync(opened)

        assert set(listed(opened, 2)) == set(FILES) - {"folder/deeper/ünï"}


@pytest.mark.fault("B01")
@pytest.mark.promise("P29")
async def test_links_are_followed_inside_the_folder_alone(
    tree: Path, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """A link to a file or folder below is what it leads to; out, back and nowhere are refused."""
    outside = tree.parent / "secret"
    outside.mkdir()
    (outside / "key").write_bytes(b"secret")
    (tree / "latest").symlink_to("folder/deeper")
    (tree / "also.iso").symlink_to("a.iso")
    (tree / "out").symlink_to(outside)
    (tree / "out-file").symlink_to(outside / "key")
    (tree / "folder/back").symlink_to("..")
    (tree / "nowhere").symlink_to("not-there")
    os.mkfifo(tree / "pipe")

    with open_depot(tree.as_uri()) as opened:
        await sync(opened)

        assert listed(opened) == {**FILES, "latest/ünï": b"u", "also.iso": b"a"}
        run = opened.catalog.reader.last_run("isos")
        refused = {row.key: row.rule for row in opened.catalog.reader.refusals("isos", run.id)}
    assert {key.split('"')[3]: rule for key, rule in refused.items()} == {
        "out": "inside-root",
        "out-file": "inside-root",
        "folder/back": "no-loop",
        "nowhere": "regular-file",
        "pipe": "regular-file",
    }


async def test_a_root_that_is_a_link_is_the_folder_it_leads_to(
    tree: Path, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """The operator said so; only what upstream put below is held inside."""
    (tree.parent / "link").symlink_to(tree)

    with open_depot((tree.parent / "link").as_uri()) as opened:
        await sync(opened)

        assert listed(opened) == FILES


@pytest.mark.fault("B02")
@pytest.mark.parametrize("name", [b"new\nline", b"back\\slash", b"not \xff utf-8"])
async def test_a_name_that_no_client_could_ask_for_is_told(
    tree: Path, open_depot: Callable[..., Any], sync: Any, name: bytes
) -> None:
    """The file is a failed unit; its name is written so that it can be shown."""
    (tree / os.fsdecode(name)).touch()

    with open_depot(tree.as_uri()) as opened, pytest.raises(Failed) as told:
        await sync(opened)

    assert "a tree" in told.value.where
    assert told.value.remedy
    str(told.value).encode()


async def test_a_folder_that_is_not_there_is_told(tree: Path, open_depot: Callable[..., Any], sync: Any) -> None:
    """What is wrong, where, and what else the URL may have meant."""
    with (
        open_depot((tree / "not-there").as_uri()) as opened,
        pytest.raises(UpstreamError, match="is no folder") as told,
    ):
        await sync(opened)

    assert "sha256sums" in told.value.remedy


async def test_many_files_keep_their_digests(
    tree: Path, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """Files are hashed side by side; each digest comes back to its file."""
    many = {f"many/{number:04}": str(number).encode() for number in range(1030)}
    (tree / "many").mkdir()
    for path, body in many.items():
        (tree / path).write_bytes(body)

    with open_depot(tree.as_uri()) as opened:
        await sync(opened)

        assert listed(opened) == {**FILES, **many}
