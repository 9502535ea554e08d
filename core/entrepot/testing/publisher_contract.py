"""What every publisher must honour; subclass it in a test module, and run it with pytest.

What is published comes through the first stage of the same repository type, so that it is told of
the format what a `FirstStageContract` is told, and where clients find what is published.

>>> class TestMyPublisher(MyFormat, PublisherContract):
...     def links(self, path: str, body: bytes) -> Iterable[str]:  # noqa: ARG002  # for who overrides it
...         return re.findall(r'href="([^"]+)"', body.decode())
...
...     def mirror_of(self, address: str) -> str | None:  # noqa: ARG002  # for who overrides it
...         return f"{address}/index"
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import aiohttp
import pytest

from entrepot.errors import InvalidPath
from entrepot.model.publication import published_path
from entrepot.testing.format_contract import NAME, FormatBench, FormatContract, Mirror
from entrepot.testing.serving import served
from entrepot.testing.strategies import Files

__all__ = ["PublisherContract"]

#: Seconds by which another clock is ahead.
_LATER: Final = 1e6

_FOUND: Final = 200


class PublisherContract(FormatContract):
    """The promises of a publisher, one a test. Write what a `FormatContract` asks for.

    `links` and `mirror_of` say how clients read what is published; what they say nothing of is skipped.
    """

    def links(self, path: str, body: bytes) -> Iterable[str]:  # noqa: ARG002  # for who overrides it
        """The links in a published body, as they are written there."""
        return ()

    def mirror_of(self, address: str) -> str | None:  # noqa: ARG002  # for who overrides it
        """The `url` of a repository that mirrors the one served at an address; None where that cannot be."""
        return None

    async def test_equal_content_gives_equal_bytes(self, bench: FormatBench) -> None:
        """Another depot, at another time, that met the files in another order, publishes the same."""
        files = self.sample(*range(6))
        first = await self._published(bench, "first", files)

        with _later():
            second = await self._published(bench, "second", dict(reversed(list(files.items()))))

        assert first
        assert second == first

    async def _published(self, bench: FormatBench, name: str, *states: Files) -> dict[tuple[str, str], bytes]:
        """What a depot publishes that went through these states of the upstream."""
        for files in states:
            with bench.depot(bench.lay_out(files), name) as mirror:
                await mirror.sync()
                published = mirror.published()
        return published

    async def test_what_is_published_lies_below_the_root(self, bench: FormatBench) -> None:
        """Relative paths, which hide none of the version's own files."""
        files = self.sample(*range(6))
        with bench.depot(bench.lay_out(files)) as mirror:
            await mirror.sync()
            published, own = mirror.published(), mirror.files()

        wrong = [path for path, _ in published if not _is_sound(path)]
        assert wrong == []
        assert {path for path, _ in published} & set(own) == set()

    async def test_a_publication_grows_into_what_a_new_one_would_be(self, bench: FormatBench) -> None:
        """Version by version, what stands is what one would publish who never saw the versions before."""
        await self.try_histories(bench.folder, self._compare)

    async def _compare(self, history: list[Files], folder: Path) -> None:
        async with self.make_bench(folder) as bench:
            grown = await self._published(bench, "grown", *history)
            assert grown == await self._published(bench, "anew", history[-1])

    async def test_every_link_is_served(self, bench: FormatBench) -> None:
        """A client that follows what a page says finds it."""
        files = self.sample(*range(4))
        with bench.depot(bench.lay_out(files)) as mirror:
            await mirror.sync()
            links = [(path, link) for (path, _), body in mirror.published().items() for link in self.links(path, body)]
            if not links:
                pytest.skip("nothing that is published has links: write links(self, path, body)")
            dead = await _dead_links(mirror, links)

        assert dead == []

    async def test_what_was_published_can_be_mirrored(self, bench: FormatBench) -> None:
        """A mirror of the mirror has the same files, says the same, and publishes the same."""
        if self.mirror_of("http://127.0.0.1/tried") is None:
            pytest.skip("this format is not read as it is published: write mirror_of(self, address)")
        with bench.depot(bench.lay_out(self.sample(*range(5)))) as mirror:
            await mirror.sync()
            async with served(mirror.opened) as address:
                url = self.mirror_of(f"{address}/{NAME}") or ""
                with bench.depot(url, "second") as second:
                    await second.sync()
                    found = second.files(), second.statements(), second.published()
            expected = mirror.files(), mirror.statements(), mirror.published()

        assert found == expected


@contextmanager
def _later() -> Iterator[None]:
    """Let whoever asks the clock of the machine for the time be told a later one."""
    now = time.time
    time.time = lambda: now() + _LATER
    try:
        yield
    finally:
        time.time = now


def _is_sound(path: str) -> bool:
    try:
        return published_path(path) == path
    except InvalidPath:
        return False


async def _dead_links(mirror: Mirror, links: Iterable[tuple[str, str]]) -> list[str]:
    dead = []
    async with served(mirror.opened) as address, aiohttp.ClientSession() as client:
        for path, link in links:
            url = urljoin(f"{address}/{NAME}/{path}", link)
            async with client.get(url) as answer:
                if answer.status != _FOUND or not url.startswith(f"{address}/"):
                    dead.append(f"{link} of {path}")
                await answer.read()
    return dead
