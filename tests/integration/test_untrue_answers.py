"""Answers that are no answers: cut short unseen, not modified, partial, empty, or of a login page."""

from __future__ import annotations

import json

import pytest

from entrepot.depot import Depot
from entrepot.errors import EntrepotError
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

IMAGE = b"firmware " * 100
PORTAL = Reply(body=b"<html><body>Log in to use this network.</body></html>", headers={"Content-Type": "text/html"})


@pytest.fixture
def any_catalog() -> None:
    """One kind will do: what is refused here never comes as far as a catalog."""


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """One image, in version 1 already; a second that comes with version 2."""
    made = FirmwareUpstream(origin)
    made.add("first", b"first")
    made.publish()
    return made


def repositories(upstream: FirmwareUpstream) -> dict[str, object]:
    return {"fw": {"type": "firmware", "url": upstream.url, "retries": 0, "mirror": True}}


async def refused(depot: Depot, says: str) -> EntrepotError:
    """Sync, and check that it ends in an error that leaves version 1 as it was."""
    with pytest.raises(EntrepotError, match=says) as caught:
        await sync(depot, "fw")
    assert caught.value.remedy
    assert [(row.number, row.members) for row in depot.catalog.reader.versions("fw")] == [(1, 1)]
    return caught.value


@pytest.mark.fault("A08")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("cut", [None, 60])
async def test_metadata_whose_end_nobody_could_tell_is_refused(
    open_depot: OpenDepot, upstream: FirmwareUpstream, cut: int | None
) -> None:
    """Without length or chunks, the end of the connection may be anybody's doing; whole or cut looks the same."""
    with open_depot(repositories(upstream)) as depot:
        await sync(depot, "fw")
        upstream.add("second", IMAGE)
        upstream.publish()
        feed = json.dumps([]).encode().rjust(100)
        upstream.origin.on("/fw/feed.json", Reply(body=feed, framing="close", cut=cut))

        error = await refused(depot, "does not say where its body ends")

        assert error.exit_code == 3


@pytest.mark.fault("A08")
@pytest.mark.promise("P01")
@pytest.mark.parametrize(("cut", "says"), [(None, ""), (500, "size is 500 bytes, 900 were declared")])
async def test_bytes_whose_digest_is_declared_may_end_with_the_connection(
    open_depot: OpenDepot, upstream: FirmwareUpstream, cut: int | None, says: str
) -> None:
    """The digest tells whether they are whole."""
    with open_depot(repositories(upstream)) as depot:
        await sync(depot, "fw")
        upstream.add("second", IMAGE)
        upstream.publish()
        upstream.origin.on("/fw/second.bin", Reply(body=IMAGE, framing="close", cut=cut))

        if cut is None:
            assert (await sync(depot, "fw")).added == 1
        else:
            await refused(depot, says)


@pytest.mark.fault("A21")
@pytest.mark.promise("P06", "P01")
@pytest.mark.parametrize("where", ["/fw/feed.json", "/fw/second.bin", "*"])
async def test_a_login_page_is_never_taken_for_what_was_asked_for(
    open_depot: OpenDepot, upstream: FirmwareUpstream, where: str
) -> None:
    """A list has a grammar and an image a digest; the page fits neither, and is not stored."""
    with open_depot(repositories(upstream)) as depot:
        await sync(depot, "fw")
        held = sum(1 for _ in (depot.settings.home / "storage").rglob("*"))
        upstream.add("second", IMAGE)
        upstream.publish()
        upstream.origin.on(where, PORTAL)

        with pytest.raises(EntrepotError):
            await sync(depot, "fw")

        assert [row.number for row in depot.catalog.reader.versions("fw")] == [1]
        assert sum(1 for _ in (depot.settings.home / "storage").rglob("*")) == held


@pytest.mark.fault("A27")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("path", ["/fw/feed.json", "/fw/second.bin"])
@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(status=304), "status 304"),
        (Reply(status=206, body=IMAGE[:10], headers={"Content-Range": "bytes 0-9/900"}), "status 206"),
        (Reply(status=204), "status 204"),
    ],
)
async def test_an_answer_without_a_whole_body_is_an_error(
    open_depot: OpenDepot, upstream: FirmwareUpstream, reply: Reply, *, says: str, path: str
) -> None:
    """Nothing was held that could be unmodified, and no part was asked for."""
    with open_depot(repositories(upstream)) as depot:
        await sync(depot, "fw")
        upstream.add("second", IMAGE)
        upstream.publish()
        upstream.origin.on(path, reply)

        assert path in str(await refused(depot, says))


@pytest.mark.fault("A27")
@pytest.mark.promise("P01")
async def test_an_empty_body_is_no_file(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """Its length says zero, and the list says otherwise."""
    with open_depot(repositories(upstream)) as depot:
        await sync(depot, "fw")
        upstream.add("second", IMAGE)
        upstream.publish()
        upstream.origin.on("/fw/second.bin", Reply(body=b""))

        await refused(depot, "size is 0 bytes, 900 were declared")
