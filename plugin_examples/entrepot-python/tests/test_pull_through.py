"""Projects that are fetched when somebody first asks for them, and stay from then on."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
import yarl

import entrepot_python.plugin
from entrepot.testing import BadOrigin, Reply, check_depot, depot, served, snapshot, sync

JSON = "application/vnd.pypi.simple.v1+json"

OpenMirror = Callable[..., AbstractContextManager[Any]]


@attrs.frozen
class Client:
    """Asks a served repository as pip does."""

    session: aiohttp.ClientSession
    address: str

    def url(self, path: str) -> yarl.URL:
        """The address of a path, written as it is."""
        return yarl.URL(f"{self.address}/tools/{path}", encoded=True)

    async def page(self, project: str, repository: str = "tools") -> tuple[int, list[str]]:
        """The status of a project's page, and the files it lists."""
        url = f"{self.address}/{repository}/simple/{project}/"
        async with self.session.get(url, headers={"Accept": JSON}) as answer:
            page = await answer.json() if answer.status == 200 else {"files": []}
            return answer.status, [file["filename"] for file in page["files"]]


@asynccontextmanager
async def asking(mirror: Any) -> AsyncIterator[Client]:
    async with served(mirror.depot) as address, aiohttp.ClientSession() as session:
        yield Client(session, address)


@pytest.mark.parametrize("policy", ["immediate", "on_demand", "streamed"])
async def test_a_project_is_fetched_when_first_asked_for_and_joins_the_next_version(
    index: Any, open_mirror: OpenMirror, policy: str
) -> None:
    """The version before goes on without it, and its files are to be had."""
    with open_mirror(["demo"], pull_through=True, policy=policy) as mirror:
        await sync(mirror.depot, "tools")
        async with asking(mirror) as client:
            assert await client.page("other") == (200, ["other-1.0.tar.gz"])
            assert await client.page("other", "tools@1") == (404, [])
            assert await client.page("other", "tools@2") == (200, ["other-1.0.tar.gz"])

            async with client.session.get(f"{client.address}/tools/packages/other/other-1.0.tar.gz") as answer:
                assert await answer.read() == b"the bytes of other-1.0.tar.gz"
        assert mirror.filenames("demo", 2) == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
        check_depot(mirror.depot, origin=index.origin)


async def test_what_was_asked_for_is_synced_from_then_on(index: Any, open_mirror: OpenMirror) -> None:
    """Conditionally, like what include names; gone from the index, it goes here, and comes when asked for again."""
    with open_mirror(["demo"], pull_through=True, guard_loss="off") as mirror:
        async with asking(mirror) as client:
            await client.page("other")
        before = len(index.origin.requests)
        await sync(mirror.depot, "tools")
        told = [request for request in index.origin.requests[before:] if request.path == "/simple/other/"]
        assert ["if-none-match" in request.headers for request in told] == [True]

        index.add("other", "other-2.0.tar.gz")
        await sync(mirror.depot, "tools")
        assert mirror.filenames("other", mirror.latest()) == ["other-1.0.tar.gz", "other-2.0.tar.gz"]

        index.origin.on("/simple/other/", Reply(status=404))
        await sync(mirror.depot, "tools")
        assert not mirror.published("simple/other/", mirror.latest())

        index.write("other")
        async with asking(mirror) as client:
            assert await client.page("other") == (200, ["other-1.0.tar.gz", "other-2.0.tar.gz"])
        check_depot(mirror.depot, origin=index.origin)


async def test_include_need_name_nothing(index: Any, open_mirror: OpenMirror) -> None:
    """Then the mirror has what was asked for, and a sync of nothing is no mistake."""
    with open_mirror([], pull_through=True) as mirror:
        await sync(mirror.depot, "tools")
        async with asking(mirror) as client:
            assert (await client.page("demo"))[0] == 200
            assert (await client.page("unheard-of"))[0] == 404
            async with client.session.get(f"{client.address}/tools/simple/", headers={"Accept": JSON}) as answer:
                assert [project["name"] for project in (await answer.json())["projects"]] == ["demo"]


@pytest.mark.fault("B01", "B02", "B03")
@pytest.mark.parametrize(
    "path",
    [
        "simple/Other/",
        "simple/ot_her/",
        "simple/o%2Fther/",
        "simple/-other/",
        "simple/other%00/",
        "simple/" + "o" * 201 + "/",
        "simple/other.html",
        "simple/other/more",
        "pypi/other/json",
        "packages/other/other-1.0.tar.gz",
        "simple/ours-secret/",
    ],
)
async def test_an_index_is_asked_for_no_odd_name_and_none_that_is_excluded(
    index: Any, open_mirror: OpenMirror, path: str
) -> None:
    """Exclude keeps names of one's own from being told to an index, and its packages from standing for them."""
    index.add("ours-secret", "ours_secret-9.tar.gz")
    options = {"include": ["demo"], "exclude": ["ours-*"]}
    with open_mirror([], pull_through=True, options=options) as mirror:
        await sync(mirror.depot, "tools")
        before = len(index.origin.requests)
        async with asking(mirror) as client, client.session.get(client.url(path)) as answer:
            assert answer.status == 404

        assert index.origin.requests[before:] == []


async def test_what_include_says_of_a_project_counts_when_it_is_asked_for(index: Any, open_mirror: OpenMirror) -> None:
    """Other rules too: what they leave out is not fetched, and a project without files is not there."""
    index.add("plug-one", "plug_one-1.0.tar.gz")
    index.add("plug-one", "plug_one-2.0.tar.gz")
    options = {"include": ["plug-*<2"], "exclude": ["other>0"]}
    with open_mirror([], pull_through=True, options=options) as mirror:
        async with asking(mirror) as client:
            assert await client.page("plug-one") == (200, ["plug_one-1.0.tar.gz"])
            assert (await client.page("other"))[0] == 404


@pytest.mark.fault("A01", "A02", "A21", "C02")
async def test_what_goes_wrong_while_a_project_is_fetched_is_told_and_passes(
    index: Any, open_mirror: OpenMirror
) -> None:
    """A page that is none, one that fails, bytes that are wrong: other projects come all the same."""
    index.add("wrong", "wrong-1.0.tar.gz")
    index.origin.put("/packages/wrong-1.0.tar.gz", b"THE BYTES of wrong-1.0.tar.gz")
    index.origin.on("/simple/broken/", Reply(status=500))
    index.origin.on("/simple/portal/", Reply(body=b"<html>log in</html>", headers={"Content-Type": "text/html"}))
    projects = ("other", "wrong", "broken", "portal")
    with open_mirror(["demo"], pull_through=True) as mirror:
        await sync(mirror.depot, "tools")
        async with asking(mirror) as client:
            answers = await asyncio.gather(*map(client.page, projects))
            assert dict(zip(projects, [status for status, _ in answers], strict=True)) == {
                "other": 200,
                "wrong": 502,
                "broken": 502,
                "portal": 502,
            }
            assert (await client.page("demo"))[0] == 200
        check_depot(mirror.depot, origin=index.origin)


@pytest.mark.fault("C02", "D04")
async def test_a_killed_server_leaves_no_half_project(index: Any, open_mirror: OpenMirror, tmp_path: Path) -> None:
    """What it was fetching is no version; the next server brings it."""
    with open_mirror(["demo"], pull_through=True) as mirror:
        await sync(mirror.depot, "tools")
        seen = snapshot(mirror.depot)
    index.origin.on("/packages/other-1.0.tar.gz", Reply(stall=True, body=b"the bytes", cut=4))
    here = ["--config", str(tmp_path / "depot" / "entrepot.toml"), "--home", str(tmp_path / "depot" / "home")]
    command = [sys.executable, "-m", "entrepot", *here, "serve", "--port", "0", "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    address = json.loads(await process.stdout.readline())["url"].rstrip("/")
    async with aiohttp.ClientSession() as session:
        asked = asyncio.create_task(Client(session, address).page("other"))
        while not index.origin.count("/packages/other-1.0.tar.gz"):
            await index.origin.arrived(len(index.origin.requests) + 1)
        process.kill()
        await process.wait()
        with pytest.raises(aiohttp.ClientError):
            await asked

    index.origin.put("/packages/other-1.0.tar.gz", b"the bytes of other-1.0.tar.gz")
    with open_mirror(["demo"], pull_through=True) as mirror:
        check_depot(mirror.depot, before=seen, ended=False)
        async with asking(mirror) as client:
            assert await client.page("other") == (200, ["other-1.0.tar.gz"])
        check_depot(mirror.depot, origin=index.origin, before=seen)


async def test_a_combination_fetches_also_before_the_first_sync(index: Any, tmp_path: Path) -> None:
    """What has no version has nothing yet: its index is asked, and only then is anybody who ranks below it."""
    table = {"type": "python", "allow_private": True, "retries": 0, "url": index.origin.url("/simple/")}
    tables = {
        "first": {**table, "pull_through": True, "options": {"include": []}},
        "second": {**table, "options": {"include": ["demo", "other"]}},
    }
    combined = {"all": {"repositories": ["first", "second"]}}
    plugins = [("python", entrepot_python.plugin)]
    with depot(tmp_path / "depot", tables, combined=combined, plugins=plugins, installed=False) as opened:
        await sync(opened, "second")
        index.add("other", "other-2.0.tar.gz")
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(session, address)
            assert (await client.page("unheard-of", "all"))[0] == 404
            assert await client.page("other", "all") == (200, ["other-1.0.tar.gz", "other-2.0.tar.gz"])
            index.origin.on("/simple/demo/", Reply(status=500))
            assert (await client.page("demo", "all"))[0] == 502
        check_depot(opened)


@pytest.mark.promise("P10")
async def test_a_combination_asks_an_index_for_nothing_that_one_of_ours_has(index: Any, tmp_path: Path) -> None:
    """An index may have a newer package of the same name: it is not even told that we have one."""
    table = {"type": "python", "allow_private": True, "retries": 0, "url": index.origin.url("/simple/")}
    async with BadOrigin() as own:
        ours = type(index)(own)
        ours.add("secret", "secret-1.0.tar.gz")
        index.add("secret", "secret-99.tar.gz")
        tables = {
            "ours": {**table, "url": own.url("/simple/"), "options": {"include": ["*"]}},
            "public": {**table, "pull_through": True, "options": {"include": ["demo"]}},
        }
        combined = {"all": {"repositories": ["ours", "public"]}}
        plugins = [("python", entrepot_python.plugin)]
        with depot(tmp_path / "depot", tables, combined=combined, plugins=plugins, installed=False) as opened:
            await sync(opened, "ours")
            await sync(opened, "public")
            before = len(own.requests)
            async with served(opened) as address, aiohttp.ClientSession() as session:
                client = Client(session, address)
                assert await client.page("secret", "all") == (200, ["secret-1.0.tar.gz"])
                assert await client.page("other", "all") == (200, ["other-1.0.tar.gz"])
                assert (await client.page("unheard-of", "all"))[0] == 404
            check_depot(opened)

        assert index.origin.count("/simple/secret/") == 0
        assert index.origin.count("/simple/other/") == index.origin.count("/simple/unheard-of/") == 1
        assert own.requests[before:] == []
