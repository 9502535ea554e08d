"""Upstreams that no connection leads to: told as such, soon, and not when another address would do."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from entrepot.download.errors import Unreachable
from entrepot.download.http import HttpFetcher
from entrepot.download.protocol import Fetcher, Lane
from entrepot.model.remote import Access, Remote
from entrepot.testing.bad_origin import BadOrigin
from unit.download.desk import Desk


class Told(AbstractResolver):
    """Resolves every name to these addresses; to none, it fails as the system's does."""

    def __init__(self, *addresses: tuple[socket.AddressFamily, str]) -> None:
        self.addresses = addresses
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        if not self.addresses:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)
            for kind, address in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def desk_that_resolves(desk: Desk, resolver: Told) -> Desk:
    """A desk on the same folder whose names are resolved so."""

    def fetcher(remote: Remote, lane: Lane) -> Fetcher:
        return HttpFetcher(remote, lane, resolver=resolver)

    made = Desk(desk.origin, desk.folder, {"http": fetcher})
    made.access = Access(allow_private=True)
    made.limits["connect_timeout"] = 1.0
    return made


@pytest.mark.fault("A04")
@pytest.mark.promise("P25", "P26")
async def test_a_name_that_does_not_resolve_is_told_by_name_after_a_few_tries(desk: Desk) -> None:
    """Look-ups fail in passing, too; the waits between tries are bounded."""
    resolver = Told()
    asking = desk_that_resolves(desk, resolver)

    async with asking.downloads:
        with pytest.raises(Unreachable) as caught:
            await asking.get("http://mirror.example/file")

    assert resolver.asked == 3
    assert sum(asking.waits.slept) < 30
    assert "mirror.example" in str(caught.value)
    assert caught.value.exit_code == 3
    assert desk.litter == []


@pytest.mark.fault("A04")
async def test_an_address_that_is_dead_does_not_hide_one_that_is_alive(desk: Desk, origin: BadOrigin) -> None:
    """IPv6 without a route is common; the bytes come over IPv4, at the first try."""
    origin.put("/file", b"over the other family")
    asking = desk_that_resolves(desk, Told((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")))

    async with asking.downloads:
        result = await asking.get(f"http://mirror.example:{origin.port}/file")

    assert result.path.read_bytes() == b"over the other family"
    assert asking.retries == []
    assert origin.count() == 1


@pytest.mark.fault("A04")
@pytest.mark.promise("P26")
async def test_an_address_that_never_answers_is_given_up_on_in_time(desk: Desk) -> None:
    """A listener whose queue is full accepts nobody; `connect_timeout` ends the wait."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            asking = desk_that_resolves(desk, Told((socket.AF_INET, "127.0.0.1")))
            asking.limits.update(retries=0, connect_timeout=0.3, header_timeout=0.3)

            async with asking.downloads:
                with pytest.raises(Unreachable, match="in time") as caught:
                    await asking.get(f"http://mirror.example:{port}/file")
        finally:
            for one in waiting:
                one.close()

    assert caught.value.remedy
