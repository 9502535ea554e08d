"""Whole syncs from an index on loopback, through the gate."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest

import entrepot_licenses.plugin
import entrepot_python.plugin
from entrepot.plugin import ConfigurationError, ContentAssociation, Edit, Stage, before, hookimpl
from entrepot.testing import BadOrigin, Reply, depot, sync

FREE, COPYLEFT, SILENT = "demo-1-py3-none-any.whl", "demo-2-py3-none-any.whl", "demo-3-py3-none-any.whl"
BOTH = {FREE: ("MIT", "allowed"), COPYLEFT: ("AGPL-3.0-only", "denied")}
JSON = "application/vnd.pypi.simple.v1+json"
Open = Callable[..., AbstractContextManager[Any]]


@attrs.define
class Index:
    """An index of one project, with wheels of several licences."""

    origin: BadOrigin
    files: list[dict[str, Any]] = attrs.field(factory=list)

    def add(self, filename: str, said: str, *, beside: bool) -> None:
        """List a wheel that says so; with `beside`, its metadata can be had apart from it."""
        metadata = f"Metadata-Version: 2.4\nName: demo\nVersion: 1\n{said}\n".encode()
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("demo-1.dist-info/METADATA", metadata)
        self.origin.put(f"/files/{filename}", body.getvalue())
        entry = {
            "filename": filename,
            "url": f"/files/{filename}",
            "hashes": {"sha256": hashlib.sha256(body.getvalue()).hexdigest()},
            "size": len(body.getvalue()),
        }
        if beside:
            self.origin.put(f"/files/{filename}.metadata", metadata)
            entry["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
        self.files.append(entry)
        self.write()

    def write(self) -> None:
        """Serve the project's page, with an ETag."""
        body = json.dumps(
            {"meta": {"api-version": "1.1"}, "name": "demo", "versions": [], "files": self.files}
        ).encode()
        headers = {"Content-Type": JSON, "ETag": f'"{hashlib.sha256(body).hexdigest()[:8]}"'}
        self.origin.on("/simple/demo/", Reply(body=body, headers=headers, honest=True))


@pytest.fixture
async def index() -> AsyncIterator[Index]:
    """Three wheels: one free, one copyleft, one that says nothing; the first two with metadata beside."""
    async with BadOrigin() as origin:
        made = Index(origin)
        made.add(FREE, "License-Expression: MIT", beside=True)
        made.add(COPYLEFT, "License-Expression: AGPL-3.0-only", beside=True)
        made.add(SILENT, "License: see the file", beside=False)
        yield made


@pytest.fixture
def open_depot(tmp_path: Path, index: Index) -> Open:
    """Open the depot with one repository; arguments are what it says to the gate, and keys of its table."""

    def opened(
        said: dict[str, Any], more: Sequence[tuple[str, object]] = (), **table: Any
    ) -> AbstractContextManager[Any]:
        tools = {"type": "python", "url": index.origin.url("/simple/"), "allow_private": True, "retries": 0}
        tools |= {"options": {"include": ["demo"]}, "plugins": {"licenses": said}, **table}
        plugins = [("python", entrepot_python.plugin), ("licenses", entrepot_licenses.plugin), *more]
        return depot(tmp_path / "depot", {"tools": tools}, plugins=plugins, installed=False)

    return opened


def members(opened: Any, number: int) -> tuple[list[str], dict[str, tuple[str, str]]]:
    """The files of a version, and the labels of those that it has or should not have: licence and verdict."""
    files, labels = [], {}
    for row in opened.catalog.reader.members("tools", number, limit=1000):
        key, fields = json.loads(row.key), json.loads(row.fields)
        if key[0] == "python.file":
            files.append(key[2])
        elif key[0] == "licenses.label":
            verdict = "denied" if fields.get("denied") else fields.get("exception", "allowed")
            labels[json.loads(key[1])[2]] = (fields.get("expression", ""), verdict)
    return files, labels


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
@pytest.mark.parametrize("mirror", [True, False])
async def test_what_is_allowed_is_mirrored_and_labelled_and_nothing_else(
    open_depot: Open, index: Index, policy: str, mirror: bool
) -> None:
    """Nothing is downloaded twice; on demand, nothing but metadata is downloaded at all."""
    with open_depot({"allow": ["MIT"]}, policy=policy, mirror=mirror) as opened:
        outcome = await sync(opened, "tools")
        again = await sync(opened, "tools")

        assert (outcome.refused, again.version) == (2, None)
        assert members(opened, 1) == ([FREE], BOTH)
        assert opened.catalog.reader.locate("tools", 1, f"packages/demo/{COPYLEFT}") == []

    asked = [request.path.rpartition("/")[2] for request in index.origin.requests if "/files/" in request.path]
    beside = [f"{name}.metadata" for name in (FREE, COPYLEFT)]
    assert sorted(asked) == sorted(beside if policy == "on_demand" else [FREE, COPYLEFT, SILENT, *beside])


async def test_why_a_file_is_left_out_is_recorded_in_words(open_depot: Open) -> None:
    """Rule and plugin, and the licence or the words that were no licence."""
    with open_depot({"allow": ["MIT"]}) as opened:
        await sync(opened, "tools")
        told = {row.rule: row for row in opened.catalog.reader.refusals("tools", 1)}

    assert set(told) == {"license-denied", "license-unknown"}
    assert COPYLEFT in told["license-denied"].key
    assert "AGPL-3.0-only" in told["license-denied"].reason
    assert "'see the file'" in told["license-unknown"].reason
    assert {row.plugin for row in told.values()} == {"licenses"}


async def test_on_demand_a_file_without_metadata_is_unknown(open_depot: Open) -> None:
    """Its licence stands in the file alone, which nobody has asked for."""
    with open_depot({"deny": ["AGPL-*"], "unknown": "allow"}, policy="on_demand") as opened:
        await sync(opened, "tools")

        assert members(opened, 1) == ([FREE, SILENT], BOTH)


async def test_an_exception_lets_a_file_through_and_the_label_says_so(open_depot: Open) -> None:
    """With its reason and its last day, in the version and its report; the day after, it counts no more."""
    exceptions = [
        {"name": COPYLEFT, "reason": "bought", "until": datetime.date(2999, 1, 1)},
        {"name": SILENT, "reason": "long ago", "until": datetime.date(2000, 1, 1)},
    ]
    with open_depot({"allow": ["MIT"], "exceptions": exceptions}) as opened:
        outcome = await sync(opened, "tools")

        files, labels = members(opened, 1)

    assert files == [FREE, COPYLEFT]
    assert [remark["reason"] for remark in outcome.report["remarks"]] == ["bought (until 2999-01-01)"]
    assert labels[COPYLEFT] == ("AGPL-3.0-only", "bought (until 2999-01-01)")


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_a_stricter_rule_takes_out_what_was_let_in(
    open_depot: Open, index: Index, policy: str, mirror: bool
) -> None:
    """From the next version on, and its label says so; upstream is unchanged and nothing is downloaded."""
    with open_depot({"unknown": "allow"}, policy=policy, mirror=mirror) as opened:
        await sync(opened, "tools")
    before = index.origin.count("/files/*")

    with open_depot({"deny": ["AGPL-*"], "unknown": "allow"}, policy=policy, mirror=mirror) as opened:
        await sync(opened, "tools")

        assert members(opened, 1)[0] == [FREE, COPYLEFT, SILENT]
        assert members(opened, 2) == ([FREE, SILENT], BOTH)
    assert index.origin.count("/files/*") == before


class Picky:
    """Another plugin, which leaves out one file when all but the version is made."""

    @hookimpl
    def entrepot_edit_plan(self) -> Sequence[Edit]:
        return [before(ContentAssociation, LeaveOut())]


class LeaveOut(Stage):
    """Refuses what is free."""

    async def run(self) -> None:
        async for unit in self.items():
            if FREE in unit.content.known_as():
                await self.refuse(unit, "picky", "it is not wanted")
            else:
                await self.put(unit)


async def test_the_label_of_what_another_plugin_leaves_out_goes_with_it(open_depot: Open) -> None:
    """The label of what is denied here stays: it says why that is not there."""
    with open_depot({"allow": ["MIT"]}, more=[("picky", Picky())]) as opened:
        await sync(opened, "tools")
        rules = {row.rule for row in opened.catalog.reader.refusals("tools", 1)}

        assert members(opened, 1) == ([], {COPYLEFT: BOTH[COPYLEFT]})
        assert rules == {"license-denied", "license-unknown", "picky", "needs"}


async def test_labels_can_be_done_without(open_depot: Open) -> None:
    """They are members of the version like others, and somebody may not want them."""
    with open_depot({"allow": ["MIT"], "label": False}) as opened:
        await sync(opened, "tools")

        assert members(opened, 1) == ([FREE], {})


async def test_a_repository_that_says_nothing_is_left_alone(open_depot: Open) -> None:
    """Installing the plugin changes no mirror."""
    with open_depot({}) as opened:
        await sync(opened, "tools")

        assert members(opened, 1) == ([FREE, COPYLEFT, SILENT], {})


async def test_a_wrong_rule_ends_the_sync_before_the_first_request(open_depot: Open, index: Index) -> None:
    """The error names plugin and licence."""
    with open_depot({"allow": ["Apache 2"]}) as opened, pytest.raises(ConfigurationError, match="Apache 2") as caught:
        await sync(opened, "tools")

    assert "'licenses'" in caught.value.where
    assert index.origin.requests == []
