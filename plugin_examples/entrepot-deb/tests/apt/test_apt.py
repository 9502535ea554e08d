"""apt-get itself: what it updates from, downloads and refuses, behind the mirror."""

from __future__ import annotations

import asyncio
import datetime
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.testing import served, sync

pytestmark = [pytest.mark.clients, pytest.mark.slow]

Open = Callable[..., AbstractContextManager[Any]]


#: What the matrix says of a client that did all of it.
ACTIONS = ("update with signatures", "install --download-only", "source --download-only")


def source(keyring: Path, address: str, name: str = "tools", suite: str = "stable main") -> str:
    """Lines of sources that trust nobody but that key, for packages and for sources."""
    line = f"[signed-by={keyring}] {address}/{name}/ {suite}"
    return f"deb {line}\ndeb-src {line}"


async def all_of_it(apt: Any, package: str) -> dict[str, bytes]:
    """Update, download what installing takes, and the source of hello; the packages."""
    await apt.get("update")
    await apt.get("install", "--yes", "--download-only", package)
    await apt.get("source", "--download-only", "hello")
    return dict(apt.downloaded())


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_apt_updates_and_installs_with_the_archives_own_signature(
    archive: Any, open_depot: Open, apt: Any, tmp_path: Path, record_property: Any, policy: str
) -> None:
    """The latest version, an earlier one by number or by date, and the source of a package."""
    keyring = archive.keyring(tmp_path)
    archive.add_source("hello", "1.0")
    archive.publish()
    first = archive.served["pool/main/hello/hello_1.0_amd64.deb"]
    hour = 3600.0
    with open_depot({"sources": True}, policy=policy, clock=lambda: archive.moment.timestamp() + hour) as depot:
        await sync(depot, "tools")
        archive.add("hello", "1.1")
        archive.add_source("hello", "1.1")
        archive.moment = archive.moment.replace(day=9)
        archive.publish()
        await sync(depot, "tools")
        async with served(depot) as address:
            state = "immediate" if policy == "immediate" else "on demand"
            for situation, name, expected in (
                (state, "tools", "1.1"),
                ("by version", "tools@1", "1.0"),
                ("by date", "tools@2026-01-05", "1.0"),
            ):
                apt.configure(source(keyring, address, name))
                downloaded = await all_of_it(apt, "world")
                assert set(downloaded) == {f"hello_{expected}_amd64.deb", "world_2%3a2.0-1_amd64.deb"}
                assert expected == "1.1" or downloaded["hello_1.0_amd64.deb"] == first
                assert [file.name for file in apt.root.glob("*.dsc")] == [f"hello_{expected}.dsc"]
                for action in ACTIONS:
                    record_property("tried", [apt.name, await apt.version(), situation, action])


async def test_apt_refuses_what_another_key_signed(archive: Any, open_depot: Open, apt: Any, tmp_path: Path) -> None:
    """The mirror hands on the archive's signature, and cannot make one of its own."""
    archive.publish()
    other = tmp_path / "other.gpg"
    other.write_bytes(bytes(type(archive.key).generate(user_id="somebody").extract_certificate()))
    with open_depot() as depot:
        await sync(depot, "tools")
        async with served(depot) as address:
            apt.configure(source(other, address))

            code, said = await apt.run("apt-get", "update")

    assert code != 0
    assert "is not signed" in said


async def test_a_client_between_two_versions_gets_what_it_was_promised(
    archive: Any, open_depot: Open, apt: Any, tmp_path: Path
) -> None:
    """It has the InRelease of one version when the next is published: the indices that it names are still to be had."""
    keyring = archive.keyring(tmp_path)
    archive.publish()
    with open_depot() as depot:
        await sync(depot, "tools")
        before = dict(archive.served)
        archive.add("hello", "1.1")
        archive.moment = archive.moment.replace(hour=13)
        archive.publish()
        await sync(depot, "tools")
        async with served(depot) as address:
            apt.configure(source(keyring, address).partition("\n")[0])
            await apt.get("update")
            for path in (path for path in before if "/by-hash/" in path):
                code, said = await apt.run("curl", "--fail", "--silent", "--output", "one", f"{address}/tools/{path}")
                assert code == 0, (path, said)
                assert (apt.root / "one").read_bytes() == before[path]


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_apt_installs_what_was_chosen_under_a_key_of_ones_own(
    archive: Any, open_depot: Open, apt: Any, tmp_path: Path, record_property: Any, policy: str
) -> None:
    """With what it needs, from the key that the mirror serves; lists of the version before are still to be had."""
    own = type(archive.key).generate(user_id="ours")
    (tmp_path / "own.asc").write_text(str(own))
    archive.add("stranger", "1")
    archive.add_source("hello", "1.0")
    archive.publish()
    options = {"publish": "signed", "signing_key": str(tmp_path / "own.asc"), "packages": ["world"]}
    with open_depot({**options, "dependencies": True, "sources": True}, policy=policy) as depot:
        await sync(depot, "tools")
        async with served(depot) as address:
            code, said = await apt_key(apt, address, tmp_path)
            assert code == 0, said
            apt.configure(source(tmp_path / "served.asc", address))
            downloaded = await all_of_it(apt, "world")
            assert set(downloaded) == {"hello_1.0_amd64.deb", "world_2%3a2.0-1_amd64.deb"}
            assert (apt.root / "hello_1.0.dsc").exists()
            assert "Inst hello" in await apt.get("install", "--simulate", "world")
            code, said = await apt.run("apt-get", "install", "--simulate", "stranger")
            assert "Unable to locate package stranger" in said
            apt.configure(source(archive.keyring(tmp_path), address))
            code, said = await apt.run("apt-get", "update")
            assert code != 0
            assert "is not signed" in said
    state = "immediate" if policy == "immediate" else "on demand"
    for action in ACTIONS:
        record_property("tried", [apt.name, await apt.version(), f"{state}, signed anew", action])


async def apt_key(apt: Any, address: str, folder: Path) -> tuple[int, str]:
    """Fetch the key that the mirror signs with."""
    apt.configure("# nothing yet")
    return await apt.run(
        "curl", "--fail", "--silent", "--output", str(folder / "served.asc"), f"{address}/tools/archive-key.asc"
    )


@pytest.mark.parametrize(("suite", "end"), [("./", ".gz"), ("x/", ".bz2"), ("./", ".zst")])
async def test_apt_installs_from_a_flat_archive(
    flat: Any, open_depot: Open, apt: Any, tmp_path: Path, record_property: Any, suite: str, end: str
) -> None:
    """As its lines of sources have it, from every version, and sources too."""
    keyring = flat.archive.keyring(tmp_path)
    flat.folder = suite.removeprefix("./")
    flat.publish(end, by_hash=True)
    with open_depot({"suites": [suite], "sources": True}, policy="on_demand") as depot:
        await sync(depot, "tools")
        flat.archive.add("hello", "1.1")
        flat.archive.moment += datetime.timedelta(minutes=1)
        flat.publish(end, by_hash=True)
        await sync(depot, "tools")
        async with served(depot) as address:
            for name, expected in (("tools", "1.1"), ("tools@1", "1.0")):
                apt.configure(source(keyring, address, name, suite))
                assert f"hello_{expected}_amd64.deb" in await all_of_it(apt, "world")
                assert (apt.root / "hello_1.0.dsc").exists()
    for action in ACTIONS:
        record_property("tried", [apt.name, await apt.version(), "on demand, flat", action])


@attrs.define
class Program:
    """The program itself, serving a depot in a process of its own."""

    config: Path
    process: asyncio.subprocess.Process | None = None

    async def run(self, *words: str) -> str:
        """Run a command, which must end well."""
        process = await self._begin(*words)
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 0, out.decode()
        return out.decode()

    async def serve(self, port: str = "0") -> str:
        """Start the server; its address."""
        self.process = await self._begin("serve", "--port", port)
        assert self.process.stdout is not None
        line = (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode()
        return next(word for word in line.split() if word.startswith("http")).rstrip("/")

    async def kill(self) -> None:
        """End the server as a crash does."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.communicate()

    async def _begin(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "entrepot",
                "--config",
                str(self.config),
                "--home",
                str(self.config.parent / "home"),
            ),
            *words,
            env={**os.environ, "no_proxy": "*"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


async def test_apt_goes_on_after_a_kill_and_after_a_prune(
    archive: Any, open_depot: Open, apt: Any, tmp_path: Path, record_property: Any
) -> None:
    """What it read before holds after: the lists by their digests, packages that nobody has fetched yet, sources."""
    keyring = archive.keyring(tmp_path)
    archive.add_source("hello", "1.0")
    archive.publish()
    with open_depot({"sources": True}, policy="on_demand") as depot:
        await sync(depot, "tools")
        archive.add("hello", "1.1")
        archive.moment = archive.moment.replace(hour=13)
        archive.publish()
        await sync(depot, "tools")
    program = Program(tmp_path / "depot" / "entrepot.toml")
    try:
        address = await program.serve()
        apt.configure(source(keyring, address))
        await apt.get("update")
        await program.kill()
        assert await program.serve(address.rpartition(":")[2]) == address
        for situation in ("after a kill and restart", "after prune"):
            if situation == "after prune":
                assert "1" in await program.run("prune", "tools", "--keep", "1")
                apt.configure(source(keyring, address))
            assert set(await all_of_it(apt, "world")) == {"hello_1.1_amd64.deb", "world_2%3a2.0-1_amd64.deb"}
            assert (apt.root / "hello_1.0.dsc").exists()
            for action in ACTIONS:
                record_property("tried", [apt.name, await apt.version(), situation, action])
    finally:
        await program.kill()
