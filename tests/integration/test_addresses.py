"""Where an upstream may lead: never to what only this machine or network can reach, unless it is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from entrepot.errors import EntrepotError
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

BODY = b"what only this machine may see"

#: With another port than the upstream's own, which is the one loopback address that it may lead to.
ELSEWHERE = [
    "http://127.0.0.1:{port}/secret",
    "http://127.1:{port}/secret",
    "http://127.255.255.254:{port}/secret",
    "http://2130706433:{port}/secret",
    "http://0x7f000001:{port}/secret",
    "http://0177.0.0.1:{port}/secret",
    "http://[::1]:{port}/secret",
    "http://[::ffff:127.0.0.1]:{port}/secret",
    "http://0:{port}/secret",
    "http://0.0.0.0:{port}/secret",
    "http://localhost:{port}/secret",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/secret",
    "http://10.0.0.1/secret",
    "http://192.168.0.1/secret",
    "ftp://127.0.0.1:{port}/secret",
    "gopher://127.0.0.1:{port}/secret",
    "file:///etc/passwd",
]

RULE = "private, loopback, link-local|only http and https|cannot be fetched|a file of this machine"

#: Places that the upstream's own word leads to: an image's URL in the list, or a redirect.
WAYS = ["listed", "redirected"]


@pytest.fixture
def any_catalog() -> None:
    """One kind will do: what is refused here never comes as far as a catalog."""


@pytest.mark.fault("A14", "B14")
@pytest.mark.promise("P31", "P06")
@pytest.mark.parametrize("way", WAYS)
async def test_an_upstream_does_not_lead_to_private_places(open_depot: OpenDepot, origin: BadOrigin, way: str) -> None:
    """Each is refused before anything is connected, with the rule and what to do in the message."""
    async with BadOrigin() as inside:
        inside.put("/secret", BODY)
        upstream = FirmwareUpstream(origin)
        targets = [target.format(port=inside.port) for target in ELSEWHERE]
        for number, target in enumerate(targets):
            upstream.add(f"image-{number}", BODY, **({"url": target} if way == "listed" else {}))
        upstream.publish()
        if way == "redirected":
            for number, target in enumerate(targets):
                origin.on(f"/fw/image-{number}.bin", Reply.redirect(target))
        table = {"type": "firmware", "url": upstream.url, "retries": 0, "connect_timeout": 2, "on_error": "skip"}
        with open_depot({"fw": table}) as depot:
            assert (await sync(depot, "fw")).failed == len(ELSEWHERE)

            told = {row.key.split('"')[3]: row.error for row in depot.catalog.reader.failures("fw", 1)}
        assert inside.connections == 0
    for number, target in enumerate(ELSEWHERE):
        assert re.search(RULE, told[f"image-{number}"]), target
        assert "remedy: " in told[f"image-{number}"], target


@pytest.mark.fault("A14")
@pytest.mark.promise("P31")
@pytest.mark.parametrize("url", [url for url in ELSEWHERE if url.startswith("http") and "{" not in url])
async def test_a_private_address_that_the_configuration_names_takes_a_setting(open_depot: OpenDepot, url: str) -> None:
    """A loopback host that it spells out is its own doing; a private network is a slip more often."""
    with open_depot({"fw": {"type": "firmware", "url": url, "retries": 0}}) as depot:
        with pytest.raises(EntrepotError, match="private, loopback, link-local or reserved") as caught:
            await sync(depot, "fw")

        assert "allow_private = true" in caught.value.remedy


@pytest.mark.fault("A14")
@pytest.mark.promise("P31")
async def test_what_the_operator_allows_is_reached(open_depot: OpenDepot, origin: BadOrigin) -> None:
    """Another port of this machine, with allow_private; a file of this machine not even then."""
    async with BadOrigin() as inside:
        inside.put("/secret", BODY)
        upstream = FirmwareUpstream(origin)
        upstream.add("image", BODY)
        upstream.publish()
        origin.on("/fw/image.bin", Reply.redirect(inside.url("/secret")))
        table = {"type": "firmware", "url": upstream.url, "retries": 0, "allow_private": True}
        with open_depot({"fw": table}) as depot:
            assert (await sync(depot, "fw")).added == 1
            upstream.add("other", BODY + b"!", url="file:///etc/passwd")
            upstream.publish()

            with pytest.raises(EntrepotError, match="a file of this machine"):
                await sync(depot, "fw")


@pytest.mark.promise("P31")
async def test_files_are_read_for_a_repository_whose_own_url_is_a_file(open_depot: OpenDepot, tmp_path: Path) -> None:
    """The operator named this machine; nothing else needs to be allowed."""
    (tmp_path / "feed.json").write_text("[]")
    table: dict[str, Any] = {"type": "firmware", "url": (tmp_path / "feed.json").as_uri()}
    with open_depot({"fw": table}) as depot:
        assert (await sync(depot, "fw")).failed == 0
