"""Indexes that go back in time, and answers that come from no index at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import entrepot_python.plugin
from entrepot.plugin import EntrepotError
from entrepot.testing import BadOrigin, Confirmed, Reply, depot, retry_failed, sync

JSON = "application/vnd.pypi.simple.v1+json"
#: The digest of no bytes at all.
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PORTAL = b"<!DOCTYPE html>\n<html><body><h1>Welcome</h1><p>Log in to use this network.</p></body></html>\n"


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream on loopback."""
    async with BadOrigin() as running:
        yield running


def serve(origin: BadOrigin, files: list[str], serial: str | None) -> None:
    """Serve the page of a project, at some count of the index's changes."""
    listed = [{"filename": name, "url": f"/{name}", "hashes": {"sha256": EMPTY}, "size": 0} for name in files]
    for name in files:
        origin.put(f"/{name}", b"")
    headers = {"Content-Type": JSON} | ({} if serial is None else {"X-PyPI-Last-Serial": serial})
    page = {"meta": {"api-version": "1.1"}, "name": "demo", "files": listed}
    origin.on("/simple/demo/", Reply(body=json.dumps(page).encode(), headers=headers))


def opened(folder: Path, origin: BadOrigin, **table: Any) -> Any:
    """Open a depot with one repository."""
    tools = {"type": "python", "url": origin.url("/simple/"), "mirror": True, "retries": 0, **table}
    tools.setdefault("options", {"include": ["demo"]})
    return depot(folder / "depot", {"tools": tools}, plugins=[("python", entrepot_python.plugin)], installed=False)


@pytest.mark.fault("A17")
@pytest.mark.promise("P15", "P06")
async def test_a_page_of_a_lower_serial_is_refused(tmp_path: Path, origin: BadOrigin) -> None:
    """A cache between may serve yesterday's page; what the repository has stays until it is allowed."""
    serve(origin, ["demo-1.tar.gz", "demo-2.tar.gz"], "200")
    with opened(tmp_path, origin) as depot_:
        await sync(depot_, "tools")
        serve(origin, ["demo-1.tar.gz"], "199")

        with pytest.raises(EntrepotError, match="is of 199, and 200 was seen before") as caught:
            await sync(depot_, "tools")

        assert "--allow-older" in caught.value.remedy
        assert [row.members for row in depot_.catalog.reader.versions("tools")] == [3]

        outcome = await sync(depot_, "tools", confirmed=Confirmed(allow_older=True))

        assert outcome.removed == 1


@pytest.mark.parametrize("serial", [None, "", "many", "-1", "1" * 40])
async def test_an_index_that_tells_no_serial_is_taken_as_it_comes(
    tmp_path: Path, origin: BadOrigin, serial: str | None
) -> None:
    """Most tell none; nonsense is none."""
    serve(origin, ["demo-1.tar.gz"], "200")
    with opened(tmp_path, origin) as depot_:
        await sync(depot_, "tools")
        serve(origin, ["demo-1.tar.gz", "demo-2.tar.gz"], serial)

        assert (await sync(depot_, "tools")).added == 1


@pytest.mark.fault("A21")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("include", [["demo"], ["*"]])
async def test_a_login_page_in_place_of_the_index_is_refused(
    tmp_path: Path, origin: BadOrigin, include: list[str]
) -> None:
    """It lists no file, which is no reason to let go of those that are here."""
    serve(origin, ["demo-1.tar.gz"], None)
    origin.on(
        "/simple/",
        Reply(
            body=json.dumps({"meta": {"api-version": "1.1"}, "projects": [{"name": "demo"}]}).encode(),
            headers={"Content-Type": JSON},
        ),
    )
    with opened(tmp_path, origin, options={"include": include}) as depot_:
        await sync(depot_, "tools")
        origin.on("*", Reply(body=PORTAL, headers={"Content-Type": "text/html; charset=utf-8"}))

        with pytest.raises(EntrepotError, match=r"login page|lists no file") as caught:
            await sync(depot_, "tools")

        assert caught.value.remedy
        assert [row.members for row in depot_.catalog.reader.versions("tools")] == [2]


async def test_a_page_that_could_not_be_read_is_tried_again_whole(tmp_path: Path, origin: BadOrigin) -> None:
    """With all its files: the page is what failed, and what it lists was never seen."""
    origin.on("/simple/demo/", Reply(status=404))
    with opened(tmp_path, origin, on_error="skip") as depot_:
        assert (await sync(depot_, "tools")).failed == 1
        serve(origin, ["demo-1.tar.gz", "demo-2.tar.gz"], None)

        again = await retry_failed(depot_, "tools")

        assert again is not None
        assert (again.added, again.failed) == (3, 0)
