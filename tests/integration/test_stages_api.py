"""The examples of the Stages API's documentation, run as they are meant there."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.errors import EntrepotError, NotBound
from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    DeclarativeVersion,
    EndStage,
    Remote,
    Repository,
    Stage,
    create_pipeline,
    hookimpl,
    key,
)
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from integration import firmware
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream


@attrs.frozen
class MyContent(Content):
    TYPE = "mine.content"
    relative_path: str = key()


class MyPlugin:
    @hookimpl
    def entrepot_register_content_types(self) -> list[type[Content]]:
        return [MyContent]


class MyFirstStage(Stage):
    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    async def run(self) -> None:
        downloader = self.remote.get_downloader(url=self.remote.url)
        result = await downloader.run()
        for line in result.path.read_text().splitlines():
            relative_path, sha256, size = line.split(",")
            unit = MyContent(relative_path)
            artifact = Artifact(sha256=sha256, size=int(size))
            url = f"{self.remote.url.rpartition('/')[0]}/{relative_path}"
            da = DeclarativeArtifact(artifact, url, relative_path, self.remote)
            dc = DeclarativeContent(content=unit, d_artifacts=[da])
            await self.put(dc)


class MyStage(Stage):
    async def run(self) -> None:
        async for d_content in self.items():
            await self.put(d_content)


def published(upstream: FirmwareUpstream) -> str:
    """A manifest as plain lines, beside the images."""
    upstream.publish()
    lines = [f"{name}.bin,{hashlib.sha256(body).hexdigest()},{len(body)}" for name, body in upstream.images.items()]
    return upstream.origin.put("/fw/lines.txt", "\n".join(lines).encode())


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Two images, not yet published."""
    made = FirmwareUpstream(origin)
    made.add("one", b"1" * 1000)
    made.add("two", b"2" * 2000)
    return made


async def test_the_documented_first_stage_makes_a_version(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """A first stage that only keeps its remote, as the documentation shows it, is a whole plugin."""
    repositories = {"mine": {"type": "firmware", "url": published(upstream)}}
    with open_depot(repositories, plugins=[("mine", MyPlugin()), ("firmware", firmware)]) as opened:
        first_stage = MyFirstStage(opened.remote("mine"))

        version = await DeclarativeVersion(first_stage, opened.repository("mine")).create_async()

        assert version is not None
        assert version.number == 1
        assert len(opened.catalog.reader.members("mine", 1)) == 2


def test_create_runs_an_event_loop_of_its_own(tmp_path: Path) -> None:
    """Outside of a loop one call does it all, and a repository version stands for its repository."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    (folder / "lines.txt").write_text("")
    repositories = {"mine": {"type": "firmware", "url": (folder / "lines.txt").as_uri(), "allow_private": True}}
    with depot(tmp_path / "depot", repositories, plugins=[("mine", MyPlugin()), ("firmware", firmware)]) as opened:
        version = DeclarativeVersion(MyFirstStage(opened.remote("mine")), opened.repository("mine")).create()
        assert version is not None

        again = DeclarativeVersion(MyFirstStage(opened.remote("mine")), version, mirror=True).create()

        assert again is None


async def test_create_inside_a_loop_names_the_other_way() -> None:
    """The error says what to write instead."""
    with pytest.raises(EntrepotError, match="inside a running event loop") as caught:
        DeclarativeVersion(MyStage(), Repository("mine", "firmware")).create()

    assert "create_async" in caught.value.remedy


async def test_an_unbound_repository_says_where_to_get_one() -> None:
    """A value made by hand can be spoken of, not synced into."""
    with pytest.raises(NotBound, match="repository 'mine'") as caught:
        await DeclarativeVersion(MyStage(), Repository("mine", "firmware")).create_async()

    assert "depot.repository" in caught.value.remedy


async def test_stages_of_ones_own_run_in_a_pipeline() -> None:
    """`create_pipeline` joins them in order; a stage that only passes data changes nothing."""
    units = [DeclarativeContent(MyContent(f"{number}")) for number in range(2500)]
    seen: list[DeclarativeContent] = []

    class Source(Stage):
        async def run(self) -> None:
            for unit in units:
                await self.put(unit)

    class Watch(Stage):
        async def run(self) -> None:
            async for batch in self.batches():
                seen.extend(batch)
                for unit in batch:
                    await self.put(unit)

    await create_pipeline([Source(), MyStage(), Watch(), EndStage()])

    assert seen == units


async def test_one_instance_cannot_stand_at_two_places() -> None:
    """Twice the same stage is a mistake that is told before anything runs."""
    stage = MyStage()

    with pytest.raises(ValueError, match="twice"):
        await create_pipeline([stage, stage, EndStage()])


async def test_a_first_stage_may_await_what_it_has_put_on(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """Every unit is awaited as soon as it is put on: no batch is held back from the one who waits."""
    resolved: list[Any] = []

    class Patient(MyFirstStage):
        async def put(self, item: DeclarativeContent) -> None:
            await super().put(item)
            resolved.append(await item.resolution())

    repositories = {"mine": {"type": "firmware", "url": published(upstream)}}
    with open_depot(repositories, plugins=[("mine", MyPlugin()), ("firmware", firmware)]) as opened:
        first_stage = Patient(opened.remote("mine"))

        await asyncio.wait_for(DeclarativeVersion(first_stage, opened.repository("mine")).create_async(), 60)

    assert [content.relative_path for content in resolved] == ["one.bin", "two.bin"]


@pytest.mark.parametrize("maxsize", [1, 2, 7])
@pytest.mark.parametrize("minsize", [1, 3, 1000])
async def test_awaiting_never_dead_locks_whatever_the_sizes(maxsize: int, minsize: int) -> None:
    """Queues of one, batches of a thousand: whoever waits is served."""
    resolved: list[Content] = []

    class Patient(Stage):
        async def run(self) -> None:
            for number in range(20):
                unit = DeclarativeContent(MyContent(f"{number}"))
                await self.put(unit)
                if number % 3 == 0:
                    resolved.append(await unit.resolution())

    class Gather(Stage):
        async def run(self) -> None:
            async for batch in self.batches(minsize):
                for unit in batch:
                    await self.put(unit)

    class Resolve(Gather):
        async def put(self, item: DeclarativeContent) -> None:
            item.resolve()
            await super().put(item)

    stages = [Patient(), MyStage(), Gather(), Gather(), Resolve(), EndStage()]

    await asyncio.wait_for(create_pipeline(stages, maxsize), 20)

    assert len(resolved) == 7
