"""From a request to its answer: places, versions, media types, conditions, ranges."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from aiohttp import ClientSession
from yarl import URL

from entrepot.operations.prune import prune
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import HTML, JSON, LARGE_PAGE, stock

BODY = bytes(range(256)) * 40
TAG = f'"{hashlib.sha256(BODY).hexdigest()}"'


async def test_content_and_pages_are_served_at_their_paths(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """What a version holds is answered byte by byte, small pages and large ones too."""
    depot = opened(tools={"url": stock(origin, {"a/b.tar.gz": BODY})})

    async with serve(depot, "tools") as root:
        async with client.get(f"{root}/tools/a/b.tar.gz") as answer:
            assert (answer.status, await answer.read()) == (200, BODY)
            assert answer.headers["ETag"] == TAG
            assert answer.headers["Content-Type"] == "application/gzip"
            assert answer.headers["Accept-Ranges"] == "bytes"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "Content-Encoding" not in answer.headers
        async with client.get(f"{root}/tools/plain.txt") as answer:
            assert await answer.read() == b"a/b.tar.gz"
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        async with client.get(f"{root}/tools/large.txt") as answer:
            assert await answer.read() == LARGE_PAGE


async def test_every_version_is_served_by_number_and_by_date(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """A number goes on meaning what it meant, and may be kept for ever; the latest is asked for again."""
    depot = opened(tools={"url": stock(origin, {"a": b"old"}), "mirror": True})

    async with serve(depot, "tools") as root:
        stock(origin, {"a": b"new", "b": b"more"})
        await sync(depot, "tools")

        answers = {}
        for name in ("tools", "tools@1", "tools@2", "tools@2999-01-01"):
            async with client.get(f"{root}/{name}/a") as answer:
                answers[name] = (await answer.read(), answer.headers["Cache-Control"])
        missing = []
        for name in ("tools@3", "tools@0", "tools@2001-01-01", "tools@99999999999999", "tools@x"):
            async with client.get(f"{root}/{name}/a") as answer:
                missing.append(answer.status)

    assert answers == {
        "tools": (b"new", "public, no-cache"),
        "tools@1": (b"old", "public, max-age=31536000, immutable"),
        "tools@2": (b"new", "public, max-age=31536000, immutable"),
        "tools@2999-01-01": (b"new", "public, no-cache"),
    }
    assert missing == [404] * 5


@pytest.mark.promise("P02")
async def test_what_names_its_bytes_is_had_from_an_earlier_version(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """By who asks the latest, while a version is kept that has it; a version asked for by number has its own alone."""
    table = {"url": stock(origin, {"by-name-of-bytes/a": b"old", "a": b"old"}), "mirror": True}
    depot = opened(tools=table)
    statuses = {}

    async with serve(depot, "tools") as root:
        stock(origin, {"by-name-of-bytes/b": b"new"})
        await sync(depot, "tools")
        for name in ("tools/by-name-of-bytes/a", "tools@2/by-name-of-bytes/a", "tools/a", "tools/by-name-of-bytes/c"):
            async with client.get(f"{root}/{name}") as answer:
                statuses[name] = answer.status, await answer.read() if answer.status == 200 else b""
        await asyncio.to_thread(prune, depot, keep=1)
        async with client.get(f"{root}/tools/by-name-of-bytes/a") as answer:
            pruned = answer.status

    assert statuses == {
        "tools/by-name-of-bytes/a": (200, b"old"),
        "tools@2/by-name-of-bytes/a": (404, b""),
        "tools/a": (404, b""),
        "tools/by-name-of-bytes/c": (404, b""),
    }
    assert pruned == 404


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        (f"{JSON}, {HTML};q=0.1", 200, JSON),
        ("text/html,*/*;q=0.8", 200, "text/html; charset=utf-8"),
        (None, 200, "text/html; charset=utf-8"),
        ("application/json", 406, "text/plain; charset=utf-8"),
    ],
)
async def test_clients_choose_among_media_types(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, accept: str | None, status: int, kind: str
) -> None:
    """One path, several forms; caches are told what the choice depended on."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        headers = {} if accept is None else {"Accept": accept}
        async with client.get(f"{root}/tools/index/", headers=headers) as answer:
            assert answer.status == status
            assert answer.headers["Content-Type"] == kind
            assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_file_tells_in_headers_what_its_publisher_said(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, method: str
) -> None:
    """With every answer about it, also one that says that nothing changed; other files know nothing of it."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        async with client.request(method, f"{root}/tools/plain.txt") as answer:
            assert answer.headers["X-Shelf-Items"] == "1"
            tag = answer.headers["ETag"]
        async with client.request(method, f"{root}/tools/plain.txt", headers={"If-None-Match": tag}) as answer:
            assert (answer.status, answer.headers["X-Shelf-Items"]) == (304, "1")
        async with client.request(method, f"{root}/tools/large.txt") as answer:
            assert "X-Shelf-Items" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "status", "kind"),
    [
        (JSON, 200, JSON),
        (JSON.replace("+", "%2B"), 200, JSON),
        ("text/html", 200, "text/html; charset=utf-8"),
        ("", 200, "text/html; charset=utf-8"),
        ("application/json", 406, "text/plain; charset=utf-8"),
    ],
)
async def test_a_format_in_the_url_goes_before_the_header(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, asked: str, status: int, kind: str
) -> None:
    """For whoever can set no header: with the plus sign as it stands or quoted, also behind a redirect."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        for path in ("tools/index/", "tools/index"):
            url = URL(f"{root}/{path}?format={asked}", encoded=True)
            async with client.get(url, headers={"Accept": JSON if asked == "text/html" else HTML}) as answer:
                assert (answer.status, answer.headers["Content-Type"]) == (status, kind)


async def test_a_folder_without_its_slash_is_redirected_within_its_version(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Relative links of a page only work behind the slash."""
    depot = opened(tools={"url": stock(origin, {"deep/er/a": BODY})})

    async with serve(depot, "tools") as root:
        for path in ("tools", "tools@1", "tools/index", "tools@1/index", "tools/deep", "tools@1/deep/er"):
            async with client.get(f"{root}/{path}", allow_redirects=False) as answer:
                assert answer.status == 302, path
            async with client.get(f"{root}/{path}") as answer:
                assert answer.status == 200
                assert answer.url.raw_path == f"/{path}/"


async def test_a_folder_without_a_page_lists_what_is_in_it(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Names are escaped for the page and for the link."""
    depot = opened(tools={"url": stock(origin, {"deep/<b>&.txt": b"x", "deep/er/a": b"y"})})

    async with serve(depot, "tools") as root, client.get(f"{root}/tools/deep/") as answer:
        page = await answer.text()

    assert '<a href="./%3Cb%3E%26.txt">&lt;b&gt;&amp;.txt</a>' in page
    assert '<a href="./er/">er/</a>' in page
    assert "<b>" not in page


async def test_a_client_that_has_it_is_told_so(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """304 has no body, and repeats what a cache has to know."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        async with client.get(f"{root}/tools/a") as answer:
            modified = answer.headers["Last-Modified"]
        for headers in ({"If-None-Match": TAG}, {"If-Modified-Since": modified}):
            async with client.get(f"{root}/tools/a", headers=headers) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
                assert answer.headers["ETag"] == TAG
                assert answer.headers["Cache-Control"] == "public, no-cache"
        async with client.get(f"{root}/tools/a", headers={"If-Match": '"other"'}) as answer:
            assert answer.status == 412


@pytest.mark.parametrize("path", ["a", "large.txt", "plain.txt"])
async def test_parts_of_a_body_are_served(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, path: str
) -> None:
    """Whatever holds the body: a file, the catalog, a large page."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        async with client.get(f"{root}/tools/{path}") as answer:
            whole = await answer.read()
        end = len(whole) - 1
        for header, expected in (("bytes=0-0", whole[:1]), ("bytes=-1", whole[-1:]), ("bytes=0-", whole)):
            async with client.get(f"{root}/tools/{path}", headers={"Range": header}) as answer:
                assert (answer.status, await answer.read()) == (206, expected)
        async with client.get(f"{root}/tools/{path}", headers={"Range": f"bytes={end + 1}-"}) as answer:
            assert answer.status == 416
            assert answer.headers["Content-Range"] == f"bytes */{end + 1}"


@pytest.mark.fault("E04")
async def test_several_parts_come_as_one_answer(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Each part says where it belongs, and the length is right to the byte."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with (
        serve(depot, "tools") as root,
        client.get(f"{root}/tools/a", headers={"Range": "bytes=0-4, 256-299, -3"}) as answer,
    ):
        body = await answer.read()
        kind, boundary = answer.headers["Content-Type"].split("; boundary=")
        assert (answer.status, kind) == (206, "multipart/byteranges")
        assert int(answer.headers["Content-Length"]) == len(body)

    parts = [part.partition(b"\r\n\r\n") for part in body.split(f"\r\n--{boundary}".encode())[1:-1]]
    assert [part for _, _, part in parts] == [BODY[:5], BODY[256:300], BODY[-3:]]
    assert b"Content-Range: bytes 256-299/10240" in parts[1][0]


@pytest.mark.fault("E07")
async def test_if_range_guards_a_resumed_download(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Of another state of the file the client gets the whole, never an end that does not fit."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        statuses = []
        for tag in (TAG, '"other"'):
            async with client.get(f"{root}/tools/a", headers={"Range": "bytes=5-", "If-Range": tag}) as answer:
                statuses.append((answer.status, len(await answer.read())))

    assert statuses == [(206, len(BODY) - 5), (200, len(BODY))]


@pytest.mark.fault("E07")
@pytest.mark.parametrize("path", ["a", "large.txt", "plain.txt", "index/"])
async def test_head_says_what_get_would_say(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, path: str
) -> None:
    """The same status and headers, and no body."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with (
        serve(depot, "tools") as root,
        client.get(f"{root}/tools/{path}") as get,
        client.head(f"{root}/tools/{path}") as head,
    ):
        assert await head.read() == b""
        assert head.status == get.status
        said = [{name: value for name, value in answer.headers.items() if name != "Date"} for answer in (get, head)]

    assert said[0] == said[1]


async def test_empty_bodies_are_served(origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession) -> None:
    """No bytes are bytes too."""
    depot = opened(tools={"url": stock(origin, {"empty": b""})})

    async with serve(depot, "tools") as root, client.get(f"{root}/tools/empty") as answer:
        assert (answer.status, await answer.read(), answer.headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.promise("P38")
async def test_methods_that_would_write_are_refused(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Only reading is answered, and the client is told so."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            async with client.request(method, f"{root}/tools/a") as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.fault("C14")
@pytest.mark.promise("P09")
async def test_damaged_bytes_are_not_sent(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, tmp_path: Path
) -> None:
    """A stored file of the wrong size is fetched anew; without an upstream it is an error, not a short 200."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        stored = depot.storage.path(hashlib.sha256(BODY).digest())
        assert stored is not None
        os.chmod(stored, 0o600)
        os.truncate(stored, 100)
        async with client.get(f"{root}/tools/a") as answer:
            assert (answer.status, await answer.read()) == (200, BODY)

    assert stored.read_bytes() == BODY


TRAVERSALS = [
    "/tools/../../etc/passwd",
    "/tools/..%2f..%2fetc/passwd",
    "/tools/%2e%2e/%2e%2e/etc/passwd",
    "/tools/%252e%252e/etc/passwd",
    "/tools/..%5c..%5cetc",
    "/tools/....//etc",
    "/tools//etc/passwd",
    "//etc/passwd",
    "/..",
    "/../",
    "/%2e%2e%2f",
    "/tools@1/../a",
    "/tools/a/",
    "/tools/a%00",
    "/tools/a%00.txt",
    "/tools/a/./a",
    "/tools/././a",
    "/tools/./../etc/passwd",
    "/tools/%2e/a",
    "/tools/a/..",
    "/tools/x/../a",
    "/tools/%c0%ae%c0%ae/etc",
    "/tools/%ff",
    "/tools/%u002e",
    "/tools/a%0d%0aX:1",
    "/-/../tools/a",
    "/-/",
    "/-",
    "/tools/" + "a/" * 3000,
    "/tools/" + "%41" * 300,
]


@pytest.mark.fault("E01")
@pytest.mark.promise("P29")
async def test_paths_that_try_to_leave_are_not_there(origin: BadOrigin, opened: Open, serve: Serve) -> None:
    """All get the same 404 over a raw socket, where no client cleans them up first."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})

    async with serve(depot, "tools") as root:
        port = int(root.rpartition(":")[2])
        for path in TRAVERSALS:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            status = await reader.readline()
            body = await reader.read()
            writer.close()
            assert status.startswith(b"HTTP/1.1 404 "), path
            assert b"root:" not in body
