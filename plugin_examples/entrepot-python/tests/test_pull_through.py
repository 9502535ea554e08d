"""Projects that are fetched when somebody first asks for them, and stay from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager

import aiohttp
import attrs
import pytest

from conftest import JSON, Index, Mirror
from entrepot.testing import check_depot, served

OpenMirror = Callable[..., AbstractContextManager[Mirror]]


@attrs.frozen
class Client:
    """Asks a served repository as pip does."""

    session: aiohttp.ClientSession
    address: str

    async def page(self, project: str, repository: str = "tools") -> tuple[int, list[str]]:
        """The status of a project's page, and the files it lists."""
        url = f"{self.address}/{repository}/simple/{project}/"
        async with self.session.get(url, headers={"Accept": JSON}) as answer:
            page = await answer.json() if answer.status == 200 else {"files": []}
            return answer.status, [file["filename"] for file in page["files"]]


@asynccontextmanager
async def asking(mirror: Mirror) -> AsyncIterator[Client]:
    async with served(mirror.depot) as address, aiohttp.ClientSession() as session:
        yield Client(session, address)


@pytest.mark.parametrize("policy", ["immediate", "on_demand", "streamed"])
async def test_a_project_is_fetched_when_first_asked_for_and_joins_the_next_version(
    index: Index, open_mirror: OpenMirror, policy: str
) -> None:
    """The version before goes on without it, and its files are to be had."""
    with open_mirror(["demo"], pull_through=True, policy=policy) as mirror:
        await mirror.sync()
        async with asking(mirror) as client:
            assert await client.page("other") == (200, ["other-1.0.tar.gz"])
            assert await client.page("other", "tools@1") == (404, [])
            assert await client.page("other", "tools@2") == (200, ["other-1.0.tar.gz"])

            async with client.session.get(f"{client.address}/tools/packages/other/other-1.0.tar.gz") as answer:
                assert await answer.read() == b"the bytes of other-1.0.tar.gz"
        assert mirror.filenames("demo", 2) == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
        check_depot(mirror.depot, origin=index.origin)
