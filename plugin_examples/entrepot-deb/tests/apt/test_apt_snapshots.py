"""Snapshots as apt 3 asks for them, by the moment: each is what was latest then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing import served, sync

pytestmark = [pytest.mark.clients, pytest.mark.slow]

Open = Callable[..., AbstractContextManager[Any]]

#: When there was one version; there are two by now.
THEN = "20260105T000000Z"
SERVER = "Acquire::Snapshots::URI"


@asynccontextmanager
async def two_versions(
    archive: Any, open_depot: Open, options: Callable[[str], dict[str, Any]] = lambda _: {}
) -> AsyncIterator[str]:
    """Serve a mirror whose first version has `hello` 1.0, and whose second has 1.1 in its place; the address.

    It is served before there is anything, as options may need the address.
    """
    archive.add_source("hello", "1.0")
    archive.publish()
    hour = 3600.0
    with open_depot() as empty:
        async with served(empty) as address:
            said = {"sources": True, **options(address)}
            with open_depot(said, clock=lambda: archive.moment.timestamp() + hour) as depot:
                await sync(depot, "tools")
                archive.lists["main", "source"].clear()
                archive.add("hello", "1.1")
                archive.add_source("hello", "1.1")
                archive.moment = archive.moment.replace(day=9)
                archive.publish()
                await sync(depot, "tools")
            yield address


def paragraph(keyring: Path, address: str, snapshot: str = "") -> str:
    """A paragraph of sources that trusts nobody but that key."""
    said = f"Types: deb deb-src\nURIs: {address}/tools/\nSuites: stable\nComponents: main\nSigned-By: {keyring}"
    return f"{said}\nSnapshot: {snapshot}" if snapshot else said


async def downloads(apt: Any, version: str, *words: str) -> None:
    """Update, and download a package and its source: this must bring the version, whatever else there is.

    The source is asked for by its version: apt looks for sources in the snapshot and beside it.
    """
    await apt.get("update", *words)
    await apt.get("install", "--yes", "--download-only", "hello", *words)
    await apt.get("source", "--download-only", f"hello={version}", *words)
    assert set(apt.downloaded()) == {f"hello_{version}_amd64.deb"}
    assert [file.name for file in apt.root.glob("*.dsc")] == [f"hello_{version}.dsc"]


async def test_apt_installs_from_the_snapshot_that_it_is_asked_for(
    archive: Any, open_depot: Open, newer_apt: Any, tmp_path: Path, record_property: Any
) -> None:
    """In its sources or in its command; its configuration says once where snapshots of a host are."""
    keyring = archive.keyring(tmp_path)
    async with two_versions(archive, open_depot) as address:
        where = {f"{SERVER}::Host::127.0.0.1": f"{address}/@PATH@@@SNAPSHOTID@/"}
        for snapshot, words, expected in (
            (THEN, (), "1.0"),
            ("", (f"--snapshot={THEN}",), "1.0"),
            ("enable", ("-S", "20260110T000000Z"), "1.1"),
            ("disable", ("-S", THEN), "1.1"),
            ("", (), "1.1"),
        ):
            newer_apt.configure(paragraph(keyring, address, snapshot), where)
            await downloads(newer_apt, expected, *words)
    for action in ("update with signatures", "install --download-only", "source --download-only"):
        record_property("tried", [newer_apt.name, await newer_apt.version(), "by its own --snapshot", action])


async def test_apt_says_so_when_there_was_nothing_yet(
    archive: Any, open_depot: Open, newer_apt: Any, tmp_path: Path
) -> None:
    """Nothing newer takes the place of a snapshot from before the first version, or of what is no moment."""
    keyring = archive.keyring(tmp_path)
    async with two_versions(archive, open_depot) as address:
        where = {f"{SERVER}::Host::127.0.0.1": f"{address}/@PATH@@@SNAPSHOTID@/"}
        for snapshot in ("20251231T000000Z", "20260132T000000Z", "yesterday"):
            newer_apt.configure(paragraph(keyring, address, snapshot), where)
            code, said = await newer_apt.run("apt-get", "update")
            assert code != 0
            assert f"{address}/tools@{snapshot} stable Release" in said
            code, said = await newer_apt.run("apt-get", "install", "--yes", "--download-only", "hello")
            assert code != 0, said
            assert not newer_apt.downloaded()


async def test_apt_has_the_snapshots_of_an_archive_that_names_others(
    archive: Any, open_depot: Open, newer_apt: Any, tmp_path: Path
) -> None:
    """What a signed Release says of the archive's own snapshots is served as it is, and overridden by its origin."""
    keyring = archive.keyring(tmp_path)
    archive.said = "Snapshots: http://archive.example/@SNAPSHOTID@/\n"
    async with two_versions(archive, open_depot) as address:
        where = {f"{SERVER}::Override::Origin::Archive": f"{address}/@PATH@@@SNAPSHOTID@/"}
        newer_apt.configure(paragraph(keyring, address), where)
        await newer_apt.get("update")
        await downloads(newer_apt, "1.0", "-S", THEN)


async def test_apt_is_told_of_snapshots_by_what_was_signed_anew(
    archive: Any, open_depot: Open, newer_apt: Any, tmp_path: Path
) -> None:
    """Whoever signs says where earlier versions are, and a client that has updated once needs nothing else."""
    own = type(archive.key).generate(user_id="ours")
    (tmp_path / "own.asc").write_text(str(own))
    keyring = tmp_path / "own.gpg"
    keyring.write_bytes(bytes(own.extract_certificate()))

    def options(address: str) -> dict[str, Any]:
        signed = {"publish": "signed", "signing_key": str(tmp_path / "own.asc")}
        return {**signed, "snapshots": f"{address}/tools@@SNAPSHOTID@/"}

    async with two_versions(archive, open_depot, options) as address:
        newer_apt.configure(paragraph(keyring, address))
        await newer_apt.get("update")
        await downloads(newer_apt, "1.0", "-S", THEN)
