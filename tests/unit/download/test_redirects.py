"""Redirects are followed by hand, and secrets stay behind."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from entrepot.download.address import Allowance
from entrepot.download.errors import AddressRefused, RedirectRefused
from entrepot.download.redirects import MOST_HOPS, Trail
from entrepot.model.remote import Access, Remote, Secret
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from unit.download.desk import Desk

BODY = b"found at last"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed_to_where_the_bytes_are(desk: Desk, status: int) -> None:
    """The result says where they finally came from."""
    url = desk.origin.put("/b/there", BODY)
    desk.origin.on("/a/here", Reply.redirect(url, status))

    result = await desk.get("/a/here")

    assert (result.path.read_bytes(), result.url) == (BODY, url)


@pytest.mark.fault("A12")
@pytest.mark.parametrize("location", ["/b/there", "../b/there", "there", "?x=1", "//HOST/b/there", "there#part"])
async def test_a_location_may_be_relative(desk: Desk, location: str) -> None:
    """To the URL that sent it."""
    desk.origin.on("/b/there*", Reply(body=BODY))
    desk.origin.on("/b/here?x=1", Reply(body=BODY))
    desk.origin.on("/b/here", Reply.redirect(location.replace("HOST", f"127.0.0.1:{desk.origin.port}")))

    result = await desk.get("/b/here")

    assert result.path.read_bytes() == BODY
    assert "#" not in desk.origin.requests[-1].path


@pytest.mark.fault("A12")
@pytest.mark.promise("P25")
async def test_ten_redirects_are_followed_and_no_more(desk: Desk) -> None:
    """The error tells the whole way."""
    desk.origin.put("/hop/0", BODY)
    for left in range(1, 20):
        desk.origin.on(f"/hop/{left}", Reply.redirect(f"/hop/{left - 1}?token=canary"))
        desk.origin.on(f"/hop/{left}?*", Reply.redirect(f"/hop/{left - 1}?token=canary"))
    desk.origin.on("/hop/0?*", Reply(body=BODY))

    result = await desk.get(f"/hop/{MOST_HOPS}")
    with pytest.raises(RedirectRefused, match="more than 10") as caught:
        await desk.get(f"/hop/{MOST_HOPS + 1}")

    assert result.path.read_bytes() == BODY
    assert "/hop/3 -> " in caught.value.what
    assert "canary" not in str(caught.value)


@pytest.mark.fault("A12")
@pytest.mark.promise("P31")
@pytest.mark.parametrize(
    ("location", "message"),
    [
        (None, "where to"),
        ("", "where to"),
        ("/here", "loop"),
        ("file:///etc/passwd", "file URL"),
        ("ftp://mirror.example/x", "ftp URL"),
        ("http://[::1", "malformed"),
        ("http://host:port/", "malformed"),
    ],
)
async def test_a_redirect_that_leads_nowhere_good_is_refused(desk: Desk, location: str | None, message: str) -> None:
    """For good: asking again would lead there again."""
    desk.origin.on("/here", Reply.redirect(location))

    with pytest.raises(RedirectRefused, match=message):
        await desk.get("/here")

    assert desk.origin.count() == 1


@pytest.mark.fault("A15")
@pytest.mark.promise("P30")
def test_https_is_not_left_for_http() -> None:
    """Whoever listens on the way could send anything."""
    with pytest.raises(RedirectRefused, match="leaves https"):
        Trail("https://mirror.example/a").follow("http://mirror.example/a")


@pytest.mark.fault("A13")
@pytest.mark.promise("P30")
def test_user_and_password_in_a_location_go_nowhere() -> None:
    """Secrets come from the operator alone."""
    assert Trail("https://a.example/").follow("https://user:pass@b.example/x") == "https://b.example/x"


@pytest.mark.fault("A13")
@pytest.mark.promise("P30", "P35")
async def test_secrets_stay_with_the_origin_they_were_set_for(desk: Desk) -> None:
    """Another port of the same host is another origin."""
    async with BadOrigin() as other:
        desk.access = Access(
            username="ci",
            password=Secret("canary"),
            headers={"X-Api-Key": Secret("canary"), "X-Plain": "canary"},
            allow_private=True,
        )
        desk.origin.on("/away", Reply.redirect(other.url("/back")))
        other.on("/back", Reply.redirect(desk.origin.url("/home")))
        desk.origin.put("/home", BODY)

        asked = {"Accept": "text/plain", "Cookie": "canary", "x-api-key": "canary", "Authorization": "canary"}
        await desk.get("/away", headers=asked)

    own, away, home = [*desk.origin.requests[:1], *other.requests, *desk.origin.requests[1:]]
    assert (own.headers["x-api-key"], own.headers["x-plain"]) == ("canary", "canary")
    assert home.headers["x-plain"] == "canary"
    assert "canary" not in str(away.headers)
    assert away.headers["accept"] == "text/plain"


async def test_credentials_of_the_remote_s_url_are_sent_as_basic_and_never_in_a_url(desk: Desk) -> None:
    """And to its origin alone, however the URL that is asked for was made."""
    desk.origin.put("/file", BODY)
    url = desk.origin.url("/").replace("//", "//user:p%40ss@")
    remote = Remote(url)

    await desk.downloads.downloader(remote, url + "file", receiver=desk.receiver).run()
    await desk.downloads.downloader(remote, desk.origin.url("/file"), receiver=desk.receiver).run()

    assert {seen.headers["authorization"] for seen in desk.origin.requests} == {"Basic dXNlcjpwQHNz"}


@pytest.mark.fault("B14")
@pytest.mark.promise("P30")
async def test_a_url_on_another_origin_gets_no_secret_in_the_first_place(desk: Desk) -> None:
    """Artifacts often lie on another host than the index."""
    async with BadOrigin() as files:
        desk.access = Access(bearer=Secret("canary"), allow_private=True)
        url = files.put("/file", BODY)

        await desk.get(url)

    assert "authorization" not in files.requests[0].headers


async def test_a_bearer_token_is_sent(desk: Desk) -> None:
    """In place of user and password."""
    desk.access = Access(bearer=Secret("token"), username="user")
    desk.origin.put("/file", BODY)

    await desk.get("/file")

    assert desk.origin.requests[0].headers["authorization"] == "Bearer token"


@pytest.mark.promise("P31")
@pytest.mark.parametrize("target", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0", "127.1"])
async def test_a_redirect_to_a_private_address_is_refused_before_connecting(desk: Desk, target: str) -> None:
    """Only the very host and port that the remote's URL spells out may be on loopback."""
    async with BadOrigin() as inside:
        inside.put("/secret", b"metadata of the machine")
        desk.limits["retries"] = 0
        desk.origin.on("/here", Reply.redirect(f"http://{target}:{inside.port}/secret"))

        with pytest.raises(Exception, match=r"private|cannot be|malformed") as caught:
            await desk.get("/here")

        assert inside.connections == 0
    if isinstance(caught.value, AddressRefused):
        assert "allow_private = true" in caught.value.remedy
        assert "address 127.0.0.1" in caught.value.where or "address 0.0.0.0" in caught.value.where


async def test_what_the_operator_allows_is_allowed(desk: Desk) -> None:
    """An upstream on a private network is an ordinary one."""
    async with BadOrigin() as inside:
        desk.access = attrs.evolve(desk.access, allow_private=True)
        desk.origin.on("/here", Reply.redirect(inside.put("/file", BODY)))

        assert (await desk.get("/here")).path.read_bytes() == BODY


def test_the_own_allowance_is_for_one_port(tmp_path: Path) -> None:
    """The remote's server being on loopback says nothing of its neighbours."""
    allowance = Allowance(Remote("http://127.0.0.1:8080/"))

    allowance.check("127.0.0.1", 8080)
    with pytest.raises(AddressRefused):
        allowance.check("127.0.0.1", 8081)
    with pytest.raises(AddressRefused):
        allowance.check("127.0.0.2", 8080)
