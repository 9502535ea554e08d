"""What plugins write, as type checkers see it: never run, and each expected mistake is marked.

Checkers that agree find nothing here: a marked line without the mistake is a mistake itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, assert_type

import attrs

from entrepot.plugin import (
    Artifact,
    ArtifactSaver,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    DeclarativeVersion,
    Edit,
    Fact,
    FirstStage,
    Plan,
    Policy,
    Published,
    PublishedFile,
    Publisher,
    QueryExistingContents,
    RelativePath,
    Remote,
    Repository,
    RepositoryVersion,
    RunContext,
    Stage,
    SyncContext,
    SyncOutcome,
    VersionView,
    after,
    before,
    bounded_json,
    create_pipeline,
    facts,
    hookimpl,
    key,
    key_of,
    move_after,
    relative_path,
    remove,
    replace,
)
from entrepot.testing import BadOrigin, Reply, depot, run_stage, sync


@attrs.frozen
class Image(Content):
    TYPE = "firmware.image"
    name: str = key()
    size: int = 0


@attrs.frozen
class Options:
    only: tuple[str, ...] = ()


class ReadList(Stage):
    """A first stage."""

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote, options: Options) -> None:
        self.remote, self.options = remote, options

    async def run(self) -> None:
        found = await self.remote.get_downloader(url=self.remote.url).run()
        assert_type(found.path, Path)
        artifact = Artifact(sha256="0" * 64, size=7)
        assert_type(artifact.size, int | None)
        unit = DeclarativeContent(
            content=Image("a"), d_artifacts=[DeclarativeArtifact(artifact, found.url, "a", self.remote)]
        )
        await self.put(unit)
        image = await unit.resolution()
        assert_type(image, Content)


class Filter(Stage):
    """A stage of anybody's sync."""

    needs = frozenset({facts.DECLARED, Fact("licences-known")})

    async def run(self) -> None:
        assert_type(self.context, SyncContext)
        async for unit in self.items():
            assert_type(unit, DeclarativeContent)
            assert_type(unit.content, Content)
            if unit.key == key_of(Image, "a"):
                await self.refuse(unit, rule="no-a", reason="nobody wants it", until=1.0)
            else:
                await self.put(unit)
        async for batch in self.batches(minsize=100):
            assert_type(batch, list[DeclarativeContent])


class Feed:
    """Writes the metadata of a version."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        async for image in version.contents(Image):
            assert_type(image, Image)
        yield PublishedFile("feed.json", "application/json", b"[]")


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    return [Image]


@hookimpl
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    return [FirstStage("firmware", make=lambda context: ReadList(context.remote, context.options), options=Options)]


@hookimpl
def entrepot_register_publishers() -> Sequence[Publisher]:
    return [Publisher("firmware", make=lambda _: Feed())]


@hookimpl
def entrepot_edit_plan(plan: Plan, context: RunContext) -> Sequence[Edit]:
    assert_type(context.repository, Repository)
    assert_type(context.policy, Policy)
    assert_type(plan.owners, list[str])
    return [
        after(QueryExistingContents, Filter()),
        before("ArtifactSaver", Filter(), optional=True),
        replace(ArtifactSaver, Filter()),
        move_after(QueryExistingContents, ArtifactSaver),
        remove("ContentUnassociation", optional=True),
    ]


@hookimpl
def entrepot_on_sync_finished(context: RunContext, outcome: SyncOutcome | BaseException) -> None:
    if isinstance(outcome, SyncOutcome):
        assert_type(outcome.version, RepositoryVersion | None)
        assert_type(outcome.added, int)


async def in_a_test(folder: Path, repository: Repository) -> None:
    """What the tests of a plugin write."""
    units = [DeclarativeContent(Image("a"))]
    assert_type(await run_stage(Filter(), units), list[DeclarativeContent])
    await create_pipeline([Filter(), Filter()])
    assert_type(await DeclarativeVersion(Filter(), repository, mirror=True).create_async(), RepositoryVersion | None)
    assert_type(relative_path("a/b"), RelativePath)
    assert_type(bounded_json(b"{}"), Any)
    async with BadOrigin() as origin:
        assert_type(origin.put("/a", b"body"), str)
        origin.on("/b", Reply(status=503))
        with depot(folder, {"tools": {"type": "firmware", "url": origin.url()}}) as opened:
            assert_type(await sync(opened, "tools"), SyncOutcome)


async def mistakes(stage: Filter, unit: DeclarativeContent, context: RunContext) -> None:
    """What a checker tells before a sync does."""
    await stage.put("a")  # type: ignore[arg-type]  # it takes units alone
    await stage.refuse(unit, "rule")  # type: ignore[call-arg]  # a reason is missing
    after(Filter, Filter)  # type: ignore[arg-type]  # the class stands where an instance should
    after(QueryExistingContents, Filter(), True)  # type: ignore[call-arg]  # what is optional is said by name
    Artifact(sha256=b"")  # type: ignore[arg-type]  # digests are text
    Artifact("a").size = 3  # type: ignore[misc]  # it is a value
    FirstStage("firmware", make=Feed)  # type: ignore[arg-type]  # it makes no stage
    Publisher("firmware", make=lambda _: Filter())  # type: ignore[arg-type,return-value]  # it publishes nothing
    PublishedFile("feed.json", "application/json", "text")  # type: ignore[arg-type]  # bytes are published
    context.policy = "streamed"  # type: ignore[misc]  # it is for reading
    await context.ledger.keep("a")  # type: ignore[attr-defined]  # who edits a plan has no sync yet
    Reply(503)  # type: ignore[call-arg]  # all is said by name
