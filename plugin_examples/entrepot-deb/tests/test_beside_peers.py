"""aptly and debmirror beside entrepot: from one archive the same files, and entrepot as their archive."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from entrepot.testing import served, sync

pytestmark = [pytest.mark.clients, pytest.mark.slow]

Open = Callable[..., AbstractContextManager[Any]]


async def ran(folder: Path, program: str, *words: str) -> str:
    """Run a program that must end well; what it said."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not here: apt-get install {program}")
    process = await asyncio.create_subprocess_exec(
        found,
        *words,
        env={**os.environ, "HOME": str(folder), "GNUPGHOME": str(folder), "LC_ALL": "C", "no_proxy": "*"},
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, out.decode()
    return out.decode()


async def aptly(folder: Path, archive: str, keyring: Path) -> set[str]:
    """Mirror the suite by aptly; the digests of the packages that it has."""
    (folder / "conf").write_text(json.dumps({"rootDir": str(folder / "root"), "architectures": ["amd64"]}))
    command = ["aptly", f"-config={folder / 'conf'}", f"-keyring={keyring}", "mirror"]
    await ran(folder, *command, "create", "it", archive, "stable")
    said = await ran(folder, *command, "update", "it")
    assert "WARNING" not in said.upper()
    return digests(folder / "root/pool")


async def debmirror(folder: Path, archive: str, keyring: Path) -> set[str]:
    """Mirror the suite by debmirror; the digests of the packages that it has."""
    place = urlsplit(archive)
    command = ["debmirror", str(folder / "mirror"), "--method=http", f"--host={place.netloc}"]
    command += [f"--root={place.path.strip('/')}", "--dist=stable", "--section=main,extra", "--arch=amd64"]
    command += ["--nosource", "--rsync-extra=none", f"--keyring={keyring}", "--i18n"]
    await ran(folder, *command)
    return digests(folder / "mirror/pool")


def digests(folder: Path) -> set[str]:
    """What is really in the packages below a folder."""
    return {hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*.deb")}


@pytest.mark.promise("P02")
@pytest.mark.parametrize("peer", [aptly, debmirror])
async def test_peers_have_the_same_packages_from_the_archive_and_from_its_mirror(
    archive: Any,
    open_depot: Open,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    peer: Callable[[Path, str, Path], Any],
) -> None:
    """Neither loses or changes one, and they check the archive's signature behind the mirror as in front of it."""
    archive.publish()
    keyring = archive.keyring(tmp_path)
    for folder in ("theirs", "through us"):
        (tmp_path / folder).mkdir()
    theirs = await peer(tmp_path / "theirs", archive.origin.url("/debian/"), keyring)

    with open_depot({"architectures": ["amd64"]}) as depot:
        await sync(depot, "tools")
        async with served(depot) as address:
            through_us = await peer(tmp_path / "through us", f"{address}/tools/", keyring)
        found = [depot.catalog.reader.locate("tools", 1, path) for path in archive.pool if "arm64" not in path]
        ours = {located.artifact.sha256.hex() for (located,) in found}

    assert theirs == ours == through_us
    assert len(ours) == 3
    record_property("tried", [peer.__name__, "of Debian", "immediate", "mirror a suite"])
