"""What upstream said of a file and of a project, as clients read it behind the mirror."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

import pytest

from entrepot.testing import Reply, served

JSON, HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"

Open = Callable[..., AbstractContextManager[Any]]

METADATA = b"Metadata-Version: 2.4\nName: full\nVersion: 1\n"
SAID = {
    "requires-python": ">=3.8, <4 ",
    "yanked": "leaks <&> 'quotes' \u2028",
    "upload-time": "2024-01-02T03:04:05.678901Z",
    "core-metadata": {"sha256": hashlib.sha256(METADATA).hexdigest(), "sha999": "unheard of"},
    "gpg-sig": False,
    "provenance": "https://index.example/integrity/full/v1/full-1-py3-none-any.whl/provenance?a=%2B",
}


def get(url: str) -> bytes:
    """What a client without any preferences gets."""
    with urlopen(url) as answer:
        body: bytes = answer.read()
    return body


@pytest.mark.promise("P02")
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_every_key_of_every_pep_comes_out_as_it_went_in(open_mirror: Open, index: Any, policy: str) -> None:
    """Times, reasons and addresses are texts, and stay so byte for byte; digests of unknown kinds too."""
    path = "/packages/full-1-py3-none-any.whl"
    index.origin.put(f"{path}.metadata", METADATA)
    body = index.add("full", "full-1-py3-none-any.whl", **SAID)
    listed = index.pages["full"][0]
    listed["hashes"] |= {"md5": hashlib.md5(body, usedforsecurity=False).hexdigest(), "blake9": "x"}
    upstream = {
        "meta": {"api-version": "1.4", "tracks": ["https://first.example/simple/full/"]},
        "versions": ["1", "0.9"],
        "alternate-locations": ["https://other.example/simple/full/"],
        "project-status": {"status": "deprecated", "reason": "<old>"},
    }
    index.write("full", **upstream)

    with open_mirror(["full"], policy=policy) as mirror:
        await mirror.sync()
        async with served(mirror.depot) as address:
            url = f"{address}/tools/simple/full/"
            page = json.loads(await asyncio.to_thread(get, f"{url}?format={JSON}"))
            (file,) = page.pop("files")
            metadata = await asyncio.to_thread(get, urljoin(url, f"{file['url']}.metadata"))

    changed = {"url": f"../../packages/full/{listed['filename']}", "dist-info-metadata": SAID["core-metadata"]}
    assert page == {**upstream, "name": "full"}
    assert file == {**listed, **changed}
    assert metadata == METADATA


async def test_a_signature_is_announced_only_where_it_is_to_be_had(open_mirror: Open, index: Any) -> None:
    """No index says which bytes a signature is, so it takes the operator's word; without, no client misses it."""
    index.add("signed", "signed-1.tar.gz", **{"gpg-sig": True})
    index.origin.put("/packages/signed-1.tar.gz.asc", b"a signature")

    with open_mirror(["signed"]) as mirror:
        await mirror.sync()
        assert "gpg-sig" not in mirror.page("signed")["files"][0]
        assert mirror.published("packages/signed/signed-1.tar.gz.asc") == []

    with open_mirror(["signed"], allow_weak_digests=True) as mirror:
        index.write("signed", versions=["1"])
        await mirror.sync()
        (found,) = mirror.published("packages/signed/signed-1.tar.gz.asc", 2)
        assert mirror.page("signed", 2)["files"][0]["gpg-sig"] is True
        assert found.artifact.sha256 == hashlib.sha256(b"a signature").digest()


@pytest.mark.fault("B14")
@pytest.mark.promise("P30")
@pytest.mark.parametrize(
    ("written", "passed_on"),
    [
        ("https://index.example/a b?x#y", "https://index.example/a b?x#y"),
        ("../../integrity/demo", "{origin}/integrity/demo"),
        ("https://user:word@index.example/x", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("http://[::1", None),
        ("http://", None),
        ("", None),
        (None, None),
    ],
)
async def test_attestations_are_named_where_a_client_finds_them(
    open_mirror: Open, index: Any, written: str | None, passed_on: str | None
) -> None:
    """A relative address would be wrong behind the mirror; one that says who somebody is goes nowhere."""
    index.add("attested", "attested-1.tar.gz")
    index.pages["attested"][0]["provenance"] = written
    index.write("attested")

    with open_mirror(["attested"]) as mirror:
        await mirror.sync()
        file = mirror.page("attested")["files"][0]

    expected = None if passed_on is None else passed_on.format(origin=index.origin.url("").rstrip("/"))
    assert file.get("provenance") == expected


async def test_what_html_says_of_signatures_and_attestations_is_kept(open_mirror: Open, index: Any) -> None:
    """PEP 503 and PEP 740 have attributes for them."""
    digest = index.pages["demo"][0]["hashes"]["sha256"]
    link = (
        f'<a href="/packages/demo-1.0.tar.gz#sha256={digest}" data-gpg-sig="False" data-provenance="/p?a&amp;b">x</a>'
    )
    index.origin.on("/simple/demo/", Reply(body=link.encode(), headers={"Content-Type": HTML}))

    with open_mirror(["demo"]) as mirror:
        await mirror.sync()
        (file,) = mirror.page("demo")["files"]

    assert file["gpg-sig"] is False
    assert file["provenance"] == index.origin.url("/p?a&b")
