"""Whole syncs of bundles from an upstream on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import entrepot_bundle.plugin
from entrepot.plugin import (
    ArtifactDownloader,
    ArtifactSaver,
    ContentAssociation,
    ContentSaver,
    EndStage,
    Failed,
    QueryExistingArtifacts,
    QueryExistingContents,
    RemoteArtifactSaver,
    ResolveContentFutures,
    create_pipeline,
)
from entrepot.testing import Reply, depot, retry_failed, running, served, sync
from entrepot_bundle.stages import NoteNeeds, ReadBundles

OUTSIDE = b'{"files": [{"path": "../outside", "sha256": "%b", "size": 1}]}' % (b"0a" * 32)
Open = Callable[..., AbstractContextManager[Any]]


def members(opened: Any) -> set[str]:
    """The paths that the latest version has."""
    number = opened.catalog.reader.version("tools").number
    return {json.loads(row.key)[1] for row in opened.catalog.reader.members("tools", number, limit=10_000)}


def held(opened: Any, path: str) -> bytes | None:
    """The bytes of a path in the latest version, or None where they are not here."""
    (located,) = opened.catalog.reader.locate("tools", opened.catalog.reader.version("tools").number, path)
    if located.artifact is None:
        return None
    with opened.storage.open(located.artifact.sha256) as body:
        read: bytes = body.read()
        return read


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_all_that_is_listed_is_mirrored_as_it_is(open_depot: Open, upstream: Any, policy: str) -> None:
    """Each file is asked for once, also one that two manifests list; on demand, no blob is."""
    files = upstream.publish()
    with open_depot(policy=policy) as opened:
        await sync(opened, "tools")

        assert members(opened) == files.keys()
        listings = {path for path in files if path.endswith(".json")}
        expected = files.keys() if policy == "immediate" else listings
        assert upstream.asked() == sorted(expected)
        assert all(held(opened, path) == files[path] for path in expected)
        assert all(held(opened, path) is None for path in files.keys() - expected)


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_a_second_sync_asks_only_for_what_changed(open_depot: Open, upstream: Any, policy: str) -> None:
    """For the index, of which nobody tells beforehand; and where nothing did, there is no new version."""
    upstream.publish()
    with open_depot(policy=policy) as opened:
        await sync(opened, "tools")
        upstream.asked()

        assert (await sync(opened, "tools")).version is None
        assert upstream.asked() == ["index.json"]

        upstream.bundles["red"]["red/2"] = b"new"
        del upstream.bundles["green"]
        files = upstream.publish()
        await sync(opened, "tools")
        assert upstream.asked() == ["index.json", "red.json", *(["red/2"] if policy == "immediate" else [])]
        assert members(opened) == files.keys()


@pytest.mark.parametrize("body", [None, b"{}", OUTSIDE, b'{"files": [{"path": "x"}]}'])
async def test_a_manifest_that_fails_leaves_out_its_own_blobs_alone(
    open_depot: Open, upstream: Any, body: bytes | None
) -> None:
    """Whether it does not come, or comes and cannot be read; another that lists one of them brings that."""
    files = upstream.publish()
    if body is None:
        upstream.origin.on("/red.json", Reply(status=404))
    else:
        upstream.origin.put("/red.json", body)
        upstream.origin.put("/index.json", upstream.listing({"red.json": body, "blue.json": files["blue.json"]}))
    with open_depot(on_error="skip") as opened:
        outcome = await sync(opened, "tools")

        left = {"index.json", "blue.json", "blue/1", "shared"}
        assert members(opened) == (left | {"green.json", "green/1"} if body is None else left)
        assert outcome.failed == 1
        assert "/red.json" in str(outcome.report["failures"])


async def test_a_blob_that_fails_takes_its_bundles_along_and_comes_back_with_them(
    open_depot: Open, upstream: Any
) -> None:
    """A bundle is whole or not there: the manifests that list it fall, and are told with the chain."""
    files = upstream.publish()
    upstream.origin.on("/shared", Reply(body=b"otherwise"))
    with open_depot(on_error="skip") as opened:
        outcome = await sync(opened, "tools")

        assert members(opened) == files.keys() - {"red.json", "blue.json", "shared"}
        reasons = {json.loads(row["key"])[1]: row["reason"] for row in outcome.report["refusals"]}
        needs = '["bundle.manifest","red.json"] needs ["bundle.blob","shared"], which is not there'
        assert reasons["red.json"] == needs
        upstream.publish()
        upstream.asked()

        again = await retry_failed(opened, "tools")

        assert again is not None
        assert members(opened) == files.keys()
        assert upstream.asked() == ["index.json", "shared"]


async def test_trying_again_what_failed_leaves_alone_what_changed_meanwhile(open_depot: Open, upstream: Any) -> None:
    """What is new of a bundle that did not fail is left to the next sync, and the bundle is as it was."""
    upstream.publish()
    upstream.origin.on("/green/1", Reply(status=404))
    with open_depot(on_error="skip") as opened:
        await sync(opened, "tools")
        for name in ("red", "blue"):
            upstream.bundles[name][f"{name}/2"] = b"new"
        files = upstream.publish()

        await retry_failed(opened, "tools")
        assert members(opened) == files.keys() - {"red/2", "blue/2"}

        await sync(opened, "tools")
        assert members(opened) == files.keys()


@pytest.mark.parametrize("on_error", ["skip", "keep"])
async def test_where_the_manifest_before_is_kept_its_blobs_are(open_depot: Open, upstream: Any, on_error: str) -> None:
    """They are what it needs; where it is not kept, it goes."""
    files = upstream.publish()
    with open_depot(on_error=on_error) as opened:
        await sync(opened, "tools")
        upstream.bundles["green"]["green/2"] = b"new"
        upstream.publish()
        upstream.origin.on("/green.json", Reply(status=500))

        await sync(opened, "tools")

        assert members(opened) == (files.keys() if on_error == "keep" else files.keys() - {"green.json"})
        assert held(opened, "green/1") == b"third"


async def test_an_index_that_cannot_be_read_ends_the_sync(open_depot: Open, upstream: Any) -> None:
    """Whatever `on_error` says: nobody knows what it lists, and nothing of the version before goes."""
    files = upstream.publish()
    with open_depot(on_error="skip") as opened:
        await sync(opened, "tools")
        upstream.origin.put("/index.json", b"<html>")

        with pytest.raises((Failed, ExceptionGroup)):
            await sync(opened, "tools")

        assert members(opened) == files.keys()


async def test_a_mirror_can_be_mirrored(open_depot: Open, upstream: Any, tmp_path: Path) -> None:
    """What is served is what was listed, at the same paths: listings included."""
    files = upstream.publish()
    plugins = [("bundle", entrepot_bundle.plugin)]
    with open_depot(policy="on_demand") as opened:
        await sync(opened, "tools")
        async with served(opened) as address:
            tools = {"type": "bundle", "url": f"{address}/tools/index.json", "allow_private": True}
            with depot(tmp_path / "second", {"tools": tools}, plugins=plugins, installed=False) as second:
                await sync(second, "tools")
                assert {path: held(second, path) for path in files} == files


@pytest.mark.parametrize("many", [200, pytest.param(5000, marks=pytest.mark.slow)])
async def test_thousands_of_manifests_pass_through_short_queues(upstream: Any, tmp_path: Path, many: int) -> None:
    """Nothing dead-locks where a stage waits for units that others hold back, and each blob is declared."""
    folder = tmp_path / "many"
    folder.mkdir()
    manifests = {f"{number}.json": upstream.listing({f"blob-{number}": b"blob"}) for number in range(many)}
    for path, body in {**manifests, "index.json": upstream.listing(manifests)}.items():
        (folder / path).write_bytes(body)
    table = {"type": "bundle", "url": (folder / "index.json").as_uri(), "policy": "on_demand"}
    with depot(
        tmp_path / "depot", {"tools": table}, plugins=[("bundle", entrepot_bundle.plugin)], installed=False
    ) as opened:
        async with running(opened, "tools") as context, asyncio.timeout(120):
            stages = [QueryExistingArtifacts(), ArtifactDownloader(), ArtifactSaver(), NoteNeeds()]
            stages += [QueryExistingContents(), ContentSaver(), RemoteArtifactSaver(), ResolveContentFutures()]
            stages += [ContentAssociation(), EndStage()]
            await create_pipeline([ReadBundles(context.remote), *stages], 10, context=context)

            changes = await context.ledger.changes()
            assert changes.added == 2 * many + 1
            assert await context.ledger.unmet() == []
