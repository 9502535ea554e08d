"""Through a proxy: it is asked for everything, and learns no more than it must."""

from __future__ import annotations

import attrs
import pytest

from entrepot.download.errors import AccessDenied, AddressRefused, DownloadError, Unreachable
from entrepot.model.remote import Access, Remote, Secret
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from unit.download.desk import Desk

BODY = b"through a proxy"


def remote(desk: Desk, url: str = "http://mirror.example/") -> Remote:
    """Lie behind the proxy that the desk's origin plays."""
    proxy = desk.origin.url("").replace("//", "//who:canary@")
    limits = attrs.evolve(desk.remote.politeness, retries=0)
    return Remote(url, access=Access(proxy=proxy, bearer=Secret("token")), politeness=limits)


async def ask(desk: Desk, url: str, of: Remote) -> bytes:
    """Download through the proxy."""
    result = await desk.downloads.downloader(of, url, receiver=desk.receiver).run()
    return result.path.read_bytes()


async def test_a_proxy_is_asked_for_the_whole_url_and_resolves_the_name(desk: Desk) -> None:
    """It may itself be on loopback: the operator chose it."""
    desk.origin.on("http://mirror.example/file", Reply(body=BODY))

    body = await ask(desk, "http://mirror.example/file", remote(desk))

    assert body == BODY
    assert desk.origin.requests[0].headers["proxy-authorization"].startswith("Basic ")
    assert desk.origin.requests[0].headers["authorization"] == "Bearer token"


async def test_a_proxy_that_denies_access_is_named_as_such(desk: Desk) -> None:
    """The password to look at is the proxy's."""
    desk.origin.on("*", Reply(status=407))

    with pytest.raises(AccessDenied, match="proxy") as caught:
        await ask(desk, "http://mirror.example/file", remote(desk))

    assert "proxy = " in caught.value.remedy
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "2130706433", "0x7f.1", "0", "[::ffff:a00:1]"],
)
async def test_a_proxy_is_not_asked_for_an_address_that_is_refused(desk: Desk, host: str) -> None:
    """What the proxy could reach is no more the upstream's to choose than what we could."""
    desk.origin.on("http://mirror.example/moved", Reply.redirect(f"http://{host}/secret"))

    with pytest.raises(AddressRefused):
        await ask(desk, "http://mirror.example/moved", remote(desk))

    assert desk.origin.count() == 1


@pytest.mark.fault("A14")
@pytest.mark.promise("P31")
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1.", "127\u30020\u30020\u30021", "\u2460\u2461\u2466.0.0.1", "\u24dbocalhost", "localhost\uff61"],
)
async def test_a_proxy_is_not_asked_for_such_an_address_in_other_letters(desk: Desk, host: str) -> None:
    """Before a name is sent, letters that mean others become those, and so do full stops."""
    with pytest.raises(AddressRefused):
        await ask(desk, f"http://{host}/secret", remote(desk))

    assert not desk.origin.requests


async def test_a_proxy_that_is_down_is_told_apart_from_an_upstream_that_is(desk: Desk) -> None:
    """It is another machine to look at."""
    async with BadOrigin() as closed:
        proxy = closed.url("")
    gone = attrs.evolve(remote(desk), access=Access(proxy=proxy))

    with pytest.raises(Unreachable, match="the proxy cannot be reached"):
        await ask(desk, "http://mirror.example/file", gone)


async def test_a_proxy_that_refuses_a_tunnel_is_an_error_of_ours(desk: Desk) -> None:
    """For https it is asked to connect, not to fetch."""
    desk.origin.on("*", Reply(status=403))

    with pytest.raises(DownloadError, match="proxy answered with status 403"):
        await ask(desk, "https://mirror.example/file", remote(desk, "https://mirror.example/"))

    assert desk.origin.requests[0].method == "CONNECT"
    assert "authorization" not in desk.origin.requests[0].headers
