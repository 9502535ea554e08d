"""Hostile pages: what a file's entry may say is checked, and nothing of it leads elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import entrepot_python.plugin
from entrepot.plugin import EntrepotError
from entrepot.testing import BadOrigin, Reply, depot, served, sync

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"
BODY = b"the bytes of a file"
SHA256 = hashlib.sha256(BODY).hexdigest()
NAME = "demo-1.0.tar.gz"

Open = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An index with one file, which is good."""
    async with BadOrigin() as running:
        running.on("/packages/*", Reply(body=BODY))
        yield running


@pytest.fixture
def open_depot(tmp_path: Path, origin: BadOrigin) -> Open:
    """A depot with one repository, of project `demo` unless it is told otherwise."""

    def opened(include: tuple[str, ...] = ("demo",), **changes: Any) -> AbstractContextManager[Any]:
        table = {"type": "python", "url": origin.url("/simple/"), "retries": 0, "options": {"include": [*include]}}
        plugins = [("python", entrepot_python.plugin)]
        return depot(tmp_path / "depot", {"py": {**table, **changes}}, plugins=plugins, installed=False)

    return opened


def entry(**says: Any) -> dict[str, Any]:
    """A good entry, but for what it says."""
    return {"filename": NAME, "url": f"/packages/{NAME}", "hashes": {"sha256": SHA256}, **says}


def serve(origin: BadOrigin, *files: dict[str, Any], project: str = "demo") -> None:
    """Serve a project's page in JSON."""
    page = {"meta": {"api-version": "1.1"}, "name": project, "files": files}
    serve_raw(origin, json.dumps(page).encode(), project=project)


def serve_raw(origin: BadOrigin, body: bytes, media_type: str = JSON, project: str = "demo") -> None:
    """Serve a project's page as it is."""
    origin.on(f"/simple/{project}/", Reply(body=body, headers={"Content-Type": media_type}))


async def refused(opened: Any, told: str | None = None) -> EntrepotError:
    """Sync, and return the one error that it ends with; no version is made."""
    with pytest.raises(EntrepotError, match=told) as caught:
        await sync(opened, "py")
    assert not [row for row in opened.catalog.reader.repositories() if row.latest]
    return caught.value


def failures_of(opened: Any) -> list[Any]:
    """What the last run reported."""
    run = opened.catalog.reader.last_run("py")
    return list(opened.catalog.reader.failures("py", run.id))


async def errors_of_files(opened: Any, told: str = "") -> set[str]:
    """Sync, check how each failure is told, and return the names of the files that are told of."""
    outcome = await sync(opened, "py")
    found = failures_of(opened)
    assert outcome.exit_code == 1
    for failure in found:
        assert told in failure.error
        assert len(failure.error) < 2000
        assert failure.error.replace("\n", "").isprintable()
        assert "Traceback" not in failure.error
    return {name for failure in found for name in re.findall(r"demo-\d+\.tar\.gz", str(failure))}


def bytes_of(opened: Any, path: str) -> bytes:
    """The bytes at a path of the first version."""
    (located,) = opened.catalog.reader.locate("py", 1, path)
    with opened.storage.open(located.artifact.sha256) as file:
        body: bytes = file.read()
    return body


SIZES = ["1e308", "-1", str(2**63), "9" * 4301, '"5"', "true", "1.5", "[]"]


@pytest.mark.fault("B07")
@pytest.mark.promise("P06")
async def test_what_is_no_size_is_told_with_its_file(open_depot: Open, origin: BadOrigin) -> None:
    """Whatever JSON takes for a number, or a plugin for one; the good file beside them is mirrored."""
    entries = [entry(filename=f"demo-{number}.tar.gz", size=f"<{number}>") for number in range(len(SIZES))]
    body = json.dumps({"files": [entry(), *entries]})
    for number, size in enumerate(SIZES):
        body = body.replace(f'"<{number}>"', size)
    serve_raw(origin, body.encode())

    with open_depot(on_error="skip") as opened:
        assert await errors_of_files(opened) == {f"demo-{number}.tar.gz" for number in range(len(SIZES))}
        assert bytes_of(opened, f"packages/demo/{NAME}") == BODY


@pytest.mark.fault("B13")
@pytest.mark.promise("P12")
@pytest.mark.parametrize(
    ("hashes", "told"),
    [
        ({"sha256": SHA256.upper()}, None),
        ({"sha256": SHA256[:-1]}, "is not a sha256 digest"),
        ({"sha256": "g" * 64}, "is not a sha256 digest"),
        ({"sha256": f" {SHA256}"}, "is not a sha256 digest"),
        ({"sha256": SHA256, "md5": "0" * 32}, "md5 is"),
        ({"sha256": SHA256, "sha512": "0" * 128}, "sha512 is"),
        ({"sha256": SHA256, "sha9000": "0"}, None),
    ],
)
async def test_every_digest_that_is_known_is_checked(
    open_depot: Open, origin: BadOrigin, hashes: dict[str, str], told: str | None
) -> None:
    """Also where the strongest is right; letters may be of either case, and an unknown kind says nothing."""
    serve(origin, entry(hashes=hashes))

    with open_depot() as opened:
        if told is None:
            await sync(opened, "py")
            assert bytes_of(opened, f"packages/demo/{NAME}") == BODY
        else:
            assert NAME in str(await refused(opened, told))


WEAK: list[dict[str, str]] = [{}, {"md5": "0" * 32}, {"sha1": "0" * 40}, {"sha9000": "0"}]


@pytest.mark.fault("B13")
@pytest.mark.promise("P12")
async def test_nothing_weak_vouches_for_what_is_fetched_later(open_depot: Open, origin: BadOrigin) -> None:
    """On demand the bytes would be whatever the upstream has by then."""
    weak = [entry(filename=f"demo-{number}.tar.gz", hashes=hashes) for number, hashes in enumerate(WEAK)]
    serve(origin, entry(), *weak)

    with open_depot(policy="on_demand", on_error="skip") as opened:
        told = await errors_of_files(opened, "stronger than sha1")

    assert told == {file["filename"] for file in weak}


URLS = ["file:///etc/passwd", "data:text/plain,x", "ftp://mirror.example/x", "javascript:x", "http://[::1", "http://"]


@pytest.mark.fault("B14")
@pytest.mark.promise("P29", "P31")
async def test_a_file_is_fetched_by_http_alone(open_depot: Open, origin: BadOrigin) -> None:
    """A page that came over the network names nothing of this machine."""
    bad = [entry(filename=f"demo-{number}.tar.gz", url=url) for number, url in enumerate(URLS)]
    serve(origin, entry(), *bad)

    with open_depot(on_error="skip") as opened:
        assert await errors_of_files(opened) == {file["filename"] for file in bad}
    assert origin.count("/packages/*") == 1


@pytest.mark.fault("B14", "A13")
@pytest.mark.promise("P30")
async def test_a_file_on_another_host_is_fetched_without_our_secrets_or_the_pages(
    open_depot: Open, origin: BadOrigin
) -> None:
    """An index may keep its files elsewhere; who we are there is not its to say."""
    async with BadOrigin() as elsewhere:
        elsewhere.put(f"/{NAME}", BODY)
        url = elsewhere.url(f"/{NAME}").replace("http://", "http://canary-user:canary-word@")
        serve(origin, entry(url=url))
        secrets = {"username": "me", "headers": {"X-Api-Key": "canary-key"}, "allow_private": True}

        with open_depot(**secrets) as opened:
            await sync(opened, "py")

            assert bytes_of(opened, f"packages/demo/{NAME}") == BODY
        (request,) = elsewhere.requests
    assert origin.requests[0].headers["x-api-key"] == "canary-key"
    assert "canary" not in str(request)
    assert "authorization" not in request.headers


@pytest.mark.fault("B15")
@pytest.mark.parametrize("written", ["My.Pkg", "my-pkg", "MY__pkg", "my.-_pkg"])
async def test_a_project_has_one_name_however_it_is_written(open_depot: Open, origin: BadOrigin, written: str) -> None:
    """In the configuration and in the list of all; it is asked for once, and served under its normal name."""
    serve(origin, entry(), project="my-pkg")
    root = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in (written, "my-pkg", "My_Pkg")]}
    origin.on("/simple/", Reply(body=json.dumps(root).encode(), headers={"Content-Type": JSON}))

    for include in ((written,), ("*",)):
        with open_depot(include) as opened:
            await sync(opened, "py")

            assert bytes_of(opened, f"packages/my-pkg/{NAME}") == BODY
            assert opened.catalog.reader.repositories()[0].members == 2  # the project and its file


@pytest.mark.fault("B15")
@pytest.mark.parametrize("name", ["m\u0443-pkg", "../my-pkg", "my pkg", "my/pkg", "-my-pkg", "a\0b", ""])
async def test_what_looks_like_a_project_and_is_none_is_refused(open_depot: Open, origin: BadOrigin, name: str) -> None:
    """Letters of another script are not the ones they look like; nothing is asked for under such a name."""
    root = {"meta": {"api-version": "1.1"}, "projects": [{"name": name}]}
    origin.on("/simple/", Reply(body=json.dumps(root).encode(), headers={"Content-Type": JSON}))

    with open_depot(("*",)) as opened:
        error = await refused(opened, "not the name of a project")

    assert str(error).replace("\n", "").isprintable()
    assert origin.count() == 1


@pytest.mark.fault("B04")
@pytest.mark.parametrize("same", [True, False])
async def test_a_file_that_is_listed_twice_is_one_or_a_contradiction(
    open_depot: Open, origin: BadOrigin, same: bool
) -> None:
    """Which of two digests is meant is not guessed."""
    serve(origin, entry(), entry() if same else entry(hashes={"sha256": "0" * 64}))

    with open_depot(policy="on_demand") as opened:
        if same:
            await sync(opened, "py")
            assert len(opened.catalog.reader.members("py", 1)) == 2
        else:
            assert NAME in str(await refused(opened, "twice"))


class Tags(HTMLParser):
    """Every tag of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.names.append(tag)


@pytest.mark.fault("B16", "E08")
@pytest.mark.parametrize(
    "filename",
    ["<script>alert(1)</script>".replace("/", "") + "-1.0.tar.gz", "demo\"'>&-1.0.tar.gz", "demo \u202e-1.0.tar.gz"],
)
async def test_markup_in_what_a_page_says_is_text_in_ours(open_depot: Open, origin: BadOrigin, filename: str) -> None:
    """In names, yanks and requirements; the file is served at the quoted name, and no header is split."""
    said = {"yanked": '"><script>alert(2)</script>', "requires-python": "><script>"}
    serve(origin, entry(filename=filename, **said))

    with open_depot() as opened:
        await sync(opened, "py")
        async with served(opened) as address:
            head, page = await get(address, "/py/simple/demo/", HTML)
            file_head, body = await get(address, f"/py/packages/demo/{quote(filename)}", "*/*")

    assert head.startswith(b"HTTP/1.1 200")
    assert "script" not in Tags(page.decode()).names
    assert "a" in Tags(page.decode()).names
    assert (file_head[:12], body) == (b"HTTP/1.1 200", BODY)


@pytest.mark.fault("B16", "B02")
async def test_a_file_name_that_could_steer_somebody_is_refused(open_depot: Open, origin: BadOrigin) -> None:
    """And told in one short line that can be shown."""
    names = ["a\r\nX-Injected: 1.tar.gz", "a\nb.whl", "\x1b[2J.whl", "a\x7fb.whl", "\U0001f600" * 2500]
    serve(origin, entry(), *(entry(filename=name) for name in names))

    with open_depot(on_error="skip") as opened:
        await errors_of_files(opened)

        assert len(failures_of(opened)) == len(names)
        assert len(opened.catalog.reader.members("py", 1)) == 2


BROKEN = [
    (JSON, b"\xef\xbb\xbf" + b'{"files": []}'),
    (JSON, b'{"files": [{"filename": "\xff", "url": "x", "hashes": {}}]}'),
    (JSON, b'{"files": [], "name": "\\ud800"}'),
    (JSON, b'{"files": [NaN]}'),
    (JSON, b'{"files": [Infinity]}'),
    (JSON, '{"files": []}'.encode("utf-16")),
    (HTML, b"<a href='/packages/demo-1.0.tar.gz'>\xe9</a>"),
    (HTML, b"<a href='/packages/demo-1.0.tar.gz'>\xed\xa0\x80</a>"),
]


@pytest.mark.fault("B18")
async def test_a_page_of_broken_text_is_refused_with_its_project(open_depot: Open, origin: BadOrigin) -> None:
    """No guess at encodings, no traceback; the other projects are mirrored."""
    projects = [f"broken-{number}" for number in range(len(BROKEN))]
    for project, (media_type, body) in zip(projects, BROKEN, strict=True):
        serve_raw(origin, body, media_type, project)
    serve(origin, entry())

    with open_depot(("demo", *projects), on_error="skip") as opened:
        await errors_of_files(opened)

        assert len(failures_of(opened)) == len(BROKEN)
        assert bytes_of(opened, f"packages/demo/{NAME}") == BODY


async def get(address: str, path: str, accept: str) -> tuple[bytes, bytes]:
    """Ask for a path exactly as it is written, and return head and body."""
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body
