"""The address that is checked is the address that is connected to."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from entrepot.download.address import Allowance
from entrepot.download.errors import AddressRefused, Unreachable
from entrepot.download.http import HttpFetcher
from entrepot.download.protocol import Fetcher, Lane
from entrepot.model.remote import Access, Remote
from entrepot.testing.bad_origin import BadOrigin
from unit.download.desk import Desk

PRIVATE = [
    "127.0.0.1",
    "127.255.0.9",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104  # refused here, bound to nowhere
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "fec0::1",
    "feff::ffff",
    "192.0.0.8",
    "64:ff9b:1::a00:1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
]

#: One of each range that is set aside for documentation.
DOCUMENTATION = ("192.0.2.10", "198.51.100.10", "203.0.113.80", "2001:db8::1")


@pytest.mark.fault("A14")
@pytest.mark.promise("P31")
@pytest.mark.promise("P31")
@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_only_some_can_reach_is_refused(address: str) -> None:
    """In every spelling that ends up there."""
    with pytest.raises(AddressRefused) as caught:
        Allowance(Remote("https://mirror.example/")).check(address, 443)

    assert "allow_private = true" in caught.value.remedy


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", *DOCUMENTATION],
)
def test_a_public_address_is_allowed(address: str) -> None:
    """As most upstreams have."""
    Allowance(Remote("https://mirror.example/")).check(address, 443)


@pytest.mark.parametrize("address", PRIVATE)
def test_the_operator_may_allow_private_addresses(address: str) -> None:
    """All of them, for one repository."""
    Allowance(Remote("https://mirror.example/", access=Access(allow_private=True))).check(address, 443)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:80/", "127.0.0.1"),
        ("http://localhost/", "::1"),
        ("http://[::1]/", "::1"),
        ("http://127.0.0.1/", "127.0.0.1"),
    ],
)
def test_a_remote_that_spells_out_a_loopback_host_may_be_there(url: str, address: str) -> None:
    """Nobody but the operator chose it; a private network takes a setting all the same."""
    Allowance(Remote(url)).check(address, 80)
    with pytest.raises(AddressRefused):
        Allowance(Remote(url)).check("10.0.0.1", 80)
    with pytest.raises(AddressRefused):
        Allowance(Remote("http://10.0.0.1/")).check("10.0.0.1", 80)


@pytest.mark.fault("A14")
@pytest.mark.promise("P31")
@pytest.mark.parametrize(
    "host", ["127.0.0.1.", "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1", "\uff4cocalhost", "0x7f000001"]
)
def test_an_address_in_other_letters_is_the_same_address(host: str) -> None:
    """Whatever a resolver would make of full stops and digits of other scripts."""
    with pytest.raises(AddressRefused):
        Allowance(Remote("https://mirror.example/")).check_spelled_out(f"http://{host}/")


class Fickle(AbstractResolver):
    """Resolves names to what it is told, in turn."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in answer
        ]

    async def close(self) -> None:
        """Nothing is open."""


def desk_with(origin: BadOrigin, desk: Desk, resolver: Fickle) -> Desk:
    """Make a desk that resolves names so."""

    def fetcher(remote: Remote, lane: Lane) -> Fetcher:
        return HttpFetcher(remote, lane, resolver=resolver)

    made = Desk(origin, desk.folder, {"http": fetcher})
    made.limits["retries"] = 0
    return made


@pytest.mark.fault("A14")
@pytest.mark.promise("P31")
@pytest.mark.promise("P31")
@pytest.mark.parametrize("answers", [["127.0.0.1"], ["127.0.0.1", "10.0.0.1", "192.168.0.1"]])
async def test_a_name_that_resolves_to_private_addresses_is_refused(
    origin: BadOrigin, desk: Desk, answers: list[str]
) -> None:
    """Before anything is connected."""
    async with BadOrigin() as inside:
        asking = desk_with(origin, desk, Fickle(answers))
        async with asking.downloads:
            with pytest.raises((AddressRefused, Unreachable)) as caught:
                await asking.get(f"http://rebinding.example:{inside.port}/secret")

        assert inside.connections == 0
    assert isinstance(caught.value, AddressRefused) or len(answers) > 1


@pytest.mark.fault("A14")
@pytest.mark.promise("P31")
@pytest.mark.promise("P31")
async def test_a_name_that_resolves_differently_the_second_time_is_checked_again(origin: BadOrigin, desk: Desk) -> None:
    """A look-up before the check would have seen the harmless answer; there is none."""
    resolver = Fickle(["127.0.0.1"])
    asking = desk_with(origin, desk, resolver)
    async with BadOrigin() as inside, asking.downloads:
        for _ in range(2):
            with pytest.raises(AddressRefused):
                await asking.get(f"http://rebinding.example:{inside.port}/secret")

        assert inside.connections == 0


async def test_a_connection_that_was_allowed_is_used_again_without_another_look_up(
    origin: BadOrigin, desk: Desk
) -> None:
    """Kept connections go where they were checked to go."""
    resolver = Fickle(["127.0.0.1"], ["10.0.0.1"])
    asking = desk_with(origin, desk, resolver)
    asking.access = Access(allow_private=True)
    origin.put("/file", b"x")
    async with asking.downloads:
        for _ in range(3):
            await asking.get(f"http://mirror.example:{origin.port}/file")

    assert origin.connections == 1
