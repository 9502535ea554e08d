"""Cutting the power of a running sync, again and again, and looking at what is left each time."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import attrs

from entrepot.operations.sync import sync
from entrepot.testing.depots import depot
from integration import firmware
from integration.forked import Zygote
from integration.loop_disk import format_image, mounted
from integration.upstream import FirmwareUpstream

_LONGEST_GAP: Final = 0.04
_ARTIFACTS: Final = "SELECT sha256 FROM artifact"
_VERSIONS: Final = "SELECT number FROM repository_version WHERE completed IS NOT NULL"


@attrs.frozen
class Acknowledged:
    """What somebody was told: rows that a reader saw, and versions."""

    artifacts: frozenset[bytes] = frozenset()
    versions: frozenset[int] = frozenset()


@attrs.frozen
class Disks:
    """Where storage and catalog lie: on one disk, or each on its own."""

    folder: Path
    images: tuple[Path, ...]

    @property
    def order(self) -> dict[str, Any]:
        places = [image.with_suffix(".mounted") for image in self.images]
        return {"folder": str(places[0] / "depot"), "catalog": f"sqlite:///{places[-1]}/catalog.sqlite"}

    @property
    def catalog(self) -> Path:
        return self.images[-1].with_suffix(".mounted") / "catalog.sqlite"

    def copied(self, name: str) -> Disks:
        """What is on the media at this moment."""
        copies = []
        for image in self.images:
            copies.append(self.folder / f"{name}-{image.name}")
            shutil.copyfile(image, copies[-1])
        return Disks(self.folder, tuple(copies))

    def mount(self, stack: ExitStack) -> None:
        """Mount all until the stack ends."""
        for image in self.images:
            stack.enter_context(mounted(image))


@attrs.frozen
class Cut:
    """The media after a power cut, and what was acknowledged before it."""

    disks: Disks
    acknowledged: Acknowledged


@attrs.define
class PowerCuts:
    """Syncs that are cut at seeded moments; `problems` is what was lost or wrong, in words."""

    disks: Disks
    upstream: FirmwareUpstream
    zygote: Zygote
    moments: random.Random
    planted: str | None = None
    images: int = 0
    state: int = 0
    problems: list[str] = attrs.field(factory=list)
    published: list[dict[str, bytes]] = attrs.field(factory=list)
    _known: Acknowledged = Acknowledged()

    async def sync(self) -> None:
        """Change upstream, sync, take images of it, and look at each."""
        self.state += 1
        for number in range(40):
            size = 150_000 if number % 8 == 0 else 2_000
            self.upstream.add(f"image-{number}", random.Random(f"{self.state} {number}").randbytes(size))
        self.upstream.publish()
        self.published.append(dict(self.upstream.images))
        for cut in await self._cuts():
            self.images += 1
            await self._look_at(cut)

    async def _cuts(self) -> list[Cut]:
        order = {**self.disks.order, "repositories": self._repositories, "planted": self.planted}
        running = await self.zygote.begin(order)
        ending = asyncio.ensure_future(self.zygote.ended())
        cuts = [cut for cut in [self._stopped(running["pid"])] if cut]
        while not ending.done():
            await asyncio.wait([ending], timeout=self.moments.uniform(0, _LONGEST_GAP))
            cuts += [cut for cut in [self._stopped(running["pid"])] if cut]
        ended = await ending
        assert ended["status"] == 0, ended
        cuts.append(self._cut())
        return cuts

    @property
    def _repositories(self) -> dict[str, Any]:
        return {"fw": {"type": "firmware", "url": self.upstream.url, "mirror": True}}

    def _stopped(self, pid: int) -> Cut | None:
        """Stop a process, take the images, let it go on; None when it has ended."""
        try:
            os.kill(pid, signal.SIGSTOP)
            while not set(_states(pid)) <= {"T"}:  # who waits for a disk stops when it has answered
                if set(_states(pid)) & {"Z", "X"}:
                    return None
                time.sleep(0.0005)
            return self._cut()
        except (ProcessLookupError, FileNotFoundError):
            return None
        finally:
            _let_go_on(pid)

    def _cut(self) -> Cut:
        self._known = _read(self.disks.catalog) or self._known
        return Cut(self.disks.copied(f"cut{self.images}-{time.monotonic_ns()}"), self._known)

    async def _look_at(self, cut: Cut) -> None:
        """Find what is lost or wrong after this cut; then, on every other, sync again as an operator would."""
        with ExitStack() as stack:
            for image in cut.disks.images:
                stack.callback(image.unlink)
            cut.disks.mount(stack)
            problems = _problems(cut)
            if self.planted is None and self.images % 2 and not problems:
                problems = await self._sync_again(cut.disks)
            self.problems += [f"image {self.images}: {problem}" for problem in problems]

    async def _sync_again(self, disks: Disks) -> list[str]:
        order, before = disks.order, len(self.upstream.origin.requests)
        held = {path.parent.name + path.name for path in _files(disks)}
        plugins = [("firmware", firmware)]
        place = Path(order["folder"])
        with depot(place, self._repositories, plugins=plugins, catalog=order["catalog"], installed=False) as opened:
            await sync(opened, "fw")
            version = opened.catalog.reader.version("fw").number
            members = {member.key for member in opened.catalog.reader.members("fw", version)}
            expected = {f"{name}.bin": body for name, body in self.published[-1].items()}
            asked = {request.path.rpartition("/")[2] for request in self.upstream.origin.requests[before:]}
            problems = [] if len(members) == len(expected) else [f"version {version} has {len(members)} members"]
            for path, body in expected.items():
                digest = hashlib.sha256(body)
                if digest.hexdigest() in held and path in asked:
                    problems.append(f"{path} was stored, and was asked for again")
                (found,) = opened.catalog.reader.locate("fw", version, path)
                if found.artifact is None or found.artifact.sha256 != digest.digest():
                    problems.append(f"{path} of version {version} is not what upstream has")
        return problems + _problems(Cut(disks, _read(disks.catalog) or Acknowledged()))


def _states(pid: int) -> Iterator[str]:
    for task in os.listdir(f"/proc/{pid}/task"):
        yield Path(f"/proc/{pid}/task/{task}/stat").read_text().rpartition(")")[2].split()[0]


def _let_go_on(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


def _read(catalog: Path) -> Acknowledged | None:
    """What a reader sees: it was told so, and builds on it. None while nobody can read."""
    try:
        with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True, timeout=0)) as reader:
            artifacts = frozenset(row[0] for row in reader.execute(_ARTIFACTS))
            return Acknowledged(artifacts, frozenset(row[0] for row in reader.execute(_VERSIONS)))
    except sqlite3.OperationalError:
        return None


def _files(disks: Disks) -> list[Path]:
    return list(Path(disks.order["folder"]).glob("home/storage/sha256/*/*"))


def _problems(cut: Cut) -> list[str]:
    """What was acknowledged and is lost, and what stands there and is wrong."""
    wrong = [path for path in _files(cut.disks) if hashlib.sha256(path.read_bytes()).hexdigest() != _digest(path)]
    problems = [f"wrong bytes under a final name: {_digest(path)[:12]}, {path.stat().st_size} bytes" for path in wrong]
    if cut.acknowledged == Acknowledged():
        return problems
    if not cut.disks.catalog.exists():
        return [*problems, "the catalog is lost"]
    with closing(sqlite3.connect(cut.disks.catalog)) as catalog:
        if (answer := catalog.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            return [*problems, f"the catalog is damaged: {answer}"]
    there = _read(cut.disks.catalog) or Acknowledged()
    named = {bytes.fromhex(_digest(path)) for path in _files(cut.disks)}
    lost = {
        "versions that were made are lost": cut.acknowledged.versions - there.versions,
        "artifacts whose rows were committed have no row": cut.acknowledged.artifacts - there.artifacts,
        "artifacts that have a row have no file": there.artifacts - named,
    }
    return problems + [f"{words}: {len(what)}" for words, what in lost.items() if what]


def _digest(path: Path) -> str:
    return path.parent.name + path.name


def format_disks(folder: Path, count: int) -> Disks:
    """Empty disks, not mounted."""
    return Disks(folder, tuple(format_image(folder / f"disk{number}") for number in range(count)))
