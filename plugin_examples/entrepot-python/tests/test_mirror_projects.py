"""Mirroring from an index on loopback into a real depot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest

import entrepot_python.plugin
from entrepot.plugin import DeclarativeVersion, EntrepotError, RepositoryVersion
from entrepot.testing import BadOrigin, Reply, Seen, depot
from entrepot.testing import sync as synced

JSON, HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"

Open = Callable[..., AbstractContextManager[Any]]


@attrs.define
class Index:
    """A simple index that speaks JSON; counts what it is asked for."""

    origin: BadOrigin
    pages: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict)

    def add(self, project: str, filename: str, **said: Any) -> bytes:
        """List a file, and serve it elsewhere on the same host."""
        body = f"the bytes of {filename}".encode()
        self.origin.put(f"/packages/{filename}", body)
        entry = {
            "filename": filename,
            "url": f"../../packages/{filename}",
            "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
            "size": len(body),
            **said,
        }
        self.pages.setdefault(project, []).append({key: value for key, value in entry.items() if value is not None})
        self.write(project)
        return body

    def write(self, project: str, **more: Any) -> None:
        """Serve the project's page, and the list of all."""
        page = {"meta": {"api-version": "1.1"}, "name": project, "files": self.pages[project], **more}
        self.serve(f"/simple/{project}/", page)
        self.serve("/simple/", {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in self.pages]})

    def serve(self, path: str, page: object) -> None:
        """Serve a page as an index does: with its media type, an ETag, and 304."""
        body = json.dumps(page).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        self.origin.on(path, Reply(body=body, headers={"Content-Type": JSON, "ETag": tag}, honest=True))


@pytest.fixture
async def index() -> AsyncIterator[Index]:
    """An index with two projects."""
    async with BadOrigin() as origin:
        index = Index(origin)
        index.add("demo", "demo-1.0.tar.gz")
        index.add("demo", "demo-2.0-py3-none-any.whl", **{"requires-python": ">=3.8"})
        index.add("other", "other-1.0.tar.gz")
        yield index


@pytest.fixture
def open_depot(tmp_path: Path, index: Index) -> Open:
    """Open the depot with one repository, `tools`; arguments are keys of its table."""

    def opened(include: list[str], **table: Any) -> AbstractContextManager[Any]:
        tools = {"type": "python", "url": index.origin.url("/simple/"), "allow_private": True, "mirror": True}
        tools |= {"retries": 0, "options": {"include": include}, **table}
        plugins = [("python", entrepot_python.plugin)]
        return depot(tmp_path / "depot", {"tools": tools}, plugins=plugins, installed=False)

    return opened


async def sync(opened: Any) -> RepositoryVersion | None:
    """Sync the repository as it is configured."""
    request = opened.request("tools")
    first_stage = opened.first_stage("tools").make(request)
    return await DeclarativeVersion(first_stage, opened.repository("tools"), request.mirror).create_async()


def page(opened: Any, project: str, number: int = 1) -> dict[str, Any]:
    """The page that a version publishes for a project, in JSON."""
    files = opened.catalog.reader.locate("tools", number, f"simple/{project}/")
    (body,) = [file.body for file in files if file.media_type == JSON]
    read = json.loads(body)
    assert isinstance(read, dict)
    return read


def filenames(opened: Any, project: str, number: int = 1) -> list[str]:
    """The files that a version lists for a project."""
    return [file["filename"] for file in page(opened, project, number)["files"]]


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        (["demo"], {"demo": ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]}),
        (["Demo>=2"], {"demo": ["demo-2.0-py3-none-any.whl"]}),
        (["demo<2", "other"], {"demo": ["demo-1.0.tar.gz"], "other": ["other-1.0.tar.gz"]}),
        (["*"], {"demo": ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"], "other": ["other-1.0.tar.gz"]}),
    ],
)
async def test_what_is_included_is_mirrored_and_nothing_else(
    open_depot: Open, index: Index, include: list[str], expected: dict[str, list[str]]
) -> None:
    """Pages of other projects are not even asked for."""
    with open_depot(include) as opened:
        assert await sync(opened)

        assert {project: filenames(opened, project) for project in expected} == expected
        assert index.origin.count("/packages/*") == sum(map(len, expected.values()))
        assert {f"/simple/{project}/" for project in expected} == {
            request.path for request in index.origin.requests if request.path not in ("/simple/",)
        } - {request.path for request in index.origin.requests if request.path.startswith("/packages/")}


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_bytes_come_when_the_policy_says(open_depot: Open, index: Index, policy: str) -> None:
    """The same files are listed either way."""
    with open_depot(["demo"], policy=policy) as opened:
        await sync(opened)

        (found,) = opened.catalog.reader.locate("tools", 1, "files/demo/demo-1.0.tar.gz")

    assert (found.artifact is None) == (policy == "on_demand")
    assert index.origin.count("/packages/*") == (2 if policy == "immediate" else 0)
    assert found.urls == (index.origin.url("/packages/demo-1.0.tar.gz"),)


async def test_core_metadata_is_mirrored_beside_its_file(open_depot: Open, index: Index) -> None:
    """It is verified by the digest that the index gives, and listed with it."""
    metadata = b"Metadata-Version: 2.1\nName: meta\n"
    digest = hashlib.sha256(metadata).hexdigest()
    index.origin.put("/packages/meta-1-py3-none-any.whl.metadata", metadata)
    index.add("meta", "meta-1-py3-none-any.whl", **{"core-metadata": {"sha256": digest}})

    with open_depot(["meta"]) as opened:
        await sync(opened)

        (found,) = opened.catalog.reader.locate("tools", 1, "files/meta/meta-1-py3-none-any.whl.metadata")
        (listed,) = page(opened, "meta")["files"]

    assert found.artifact.sha256.hex() == digest
    assert listed["core-metadata"] == listed["dist-info-metadata"] == {"sha256": digest}


@pytest.mark.promise("P07")
async def test_nothing_changed_makes_no_version_and_asks_for_no_page_again(open_depot: Open, index: Index) -> None:
    """Unchanged pages are answered with 304, and nothing is downloaded."""
    with open_depot(["demo", "other"]) as opened:
        await sync(opened)
        before = len(index.origin.requests)

        assert await sync(opened) is None

    again = index.origin.requests[before:]
    assert sorted(request.path for request in again) == ["/simple/demo/", "/simple/other/"]
    assert all("if-none-match" in request.headers for request in again)


async def test_an_index_without_validators_is_known_by_its_bytes(open_depot: Open, index: Index) -> None:
    """A page that comes again unchanged is kept unread."""
    body = json.dumps({"meta": {}, "name": "demo", "files": index.pages["demo"]}).encode()
    index.origin.on("/simple/demo/", Reply(body=body, headers={"Content-Type": JSON}))

    with open_depot(["demo"]) as opened:
        await sync(opened)

        assert await sync(opened) is None
        assert filenames(opened, "demo") == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]


@pytest.mark.promise("P02")
async def test_a_yank_makes_a_version_and_the_one_before_stays_as_it_was(open_depot: Open, index: Index) -> None:
    """The bytes are not asked for again."""
    with open_depot(["demo", "other"]) as opened:
        await sync(opened)
        index.pages["demo"][0]["yanked"] = "leaks"
        index.write("demo")
        version = await sync(opened)

        assert version is not None
        yanked = [[file["yanked"] for file in page(opened, "demo", number)["files"]] for number in (1, 2)]
        assert filenames(opened, "other", 2) == ["other-1.0.tar.gz"]

    assert yanked == [[False, False], ["leaks", False]]
    assert index.origin.count("/packages/demo-1.0.tar.gz") == 1


async def test_what_left_the_index_leaves_the_mirror(open_depot: Open, index: Index) -> None:
    """A file, and a project that is no longer included, go with the next version; the last keeps them."""
    with open_depot(["demo", "other"]) as opened:
        await sync(opened)
    del index.pages["demo"][0]
    index.write("demo")

    with open_depot(["demo"]) as opened:
        await sync(opened)

        assert filenames(opened, "demo", 2) == ["demo-2.0-py3-none-any.whl"]
        assert opened.catalog.reader.locate("tools", 2, "simple/other/") == []
        assert filenames(opened, "other", 1) == ["other-1.0.tar.gz"]


async def test_an_index_in_html_gives_the_same_files(open_depot: Open, index: Index) -> None:
    """What HTML cannot say is left out, and the page claims no newer version than it fills."""
    digest = index.pages["demo"][0]["hashes"]["sha256"]
    link = f'<a href="/packages/demo-1.0.tar.gz#sha256={digest}" data-yanked="why">demo-1.0.tar.gz</a>'
    index.origin.on("/simple/demo/", Reply(body=link.encode(), headers={"Content-Type": f"{HTML}; charset=UTF-8"}))

    with open_depot(["demo"]) as opened:
        await sync(opened)

        read = page(opened, "demo")
        assert read["meta"] == {"api-version": "1.0"}
        assert [(file["filename"], file["yanked"]) for file in read["files"]] == [("demo-1.0.tar.gz", "why")]


async def test_the_index_is_asked_for_json_first(open_depot: Open, index: Index) -> None:
    """JSON says more; HTML is taken from who has nothing else."""
    with open_depot(["demo"]) as opened:
        await sync(opened)

    accept = index.origin.requests[0].headers["accept"]
    assert accept.startswith(f"{JSON}, {HTML};q=0.2, text/html;q=0.1")


def failing(index: Index) -> dict[str, Callable[[], None]]:
    """Ways in which a project cannot be mirrored, by what the error names."""
    first = index.pages["demo"][0]

    def change(**said: Any) -> Callable[[], None]:
        def spoil() -> None:
            first.update(said)
            index.write("demo")

        return spoil

    def answer(reply: Reply) -> Callable[[], None]:
        return lambda: index.origin.on("/simple/demo/", reply)

    return {
        "the index has no project 'demo'": answer(Reply(status=404)),
        "is about 'other'": lambda: index.write("demo", name="other"),
        "'text/plain'": answer(Reply(body=b"hello", headers={"Content-Type": "text/plain"})),
        "is not what PEP 691": answer(Reply(body=b"{", headers={"Content-Type": JSON})),
        "file 'demo-1.0.tar.gz' of project 'demo'": change(size=-1),
        "is not a sha256 digest": change(hashes={"sha256": "xyz"}),
        "no URL to download from": change(url="file:///etc/passwd"),
        "no URL to download": change(url="javascript:alert(1)"),
        "leaves its root": change(filename=".."),
        "is a path": change(filename="x/demo-1.0.tar.gz"),
        "sha256 is": change(hashes={"sha256": "0" * 64}),
    }


@pytest.mark.fault("B01", "B07", "B13", "B14")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("number", range(11))
async def test_what_cannot_be_mirrored_is_named_and_nothing_is_lost(
    open_depot: Open, index: Index, number: int
) -> None:
    """The sync fails with project and file in its error; the version before stands."""
    with open_depot(["demo", "other"]) as opened:
        await sync(opened)
        named, spoil = list(failing(index).items())[number]
        spoil()

        with pytest.raises(EntrepotError) as caught:
            await sync(opened)

        assert named in str(caught.value)
        assert "demo" in str(caught.value)
        assert opened.catalog.reader.version("tools").number == 1


async def test_a_project_that_cannot_be_read_stays_as_it_was_when_failures_are_skipped(
    open_depot: Open, index: Index
) -> None:
    """Trouble upstream removes nothing, also when mirroring; the other projects go on."""
    with open_depot(["demo", "other"], on_error="skip") as opened:
        await sync(opened)
        index.origin.on("/simple/demo/", Reply(status=500))
        index.add("other", "other-2.0.tar.gz")
        await sync(opened)

        assert filenames(opened, "demo", 2) == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
        assert filenames(opened, "other", 2) == ["other-1.0.tar.gz", "other-2.0.tar.gz"]


async def test_a_project_that_just_left_the_index_is_no_failure(open_depot: Open, index: Index) -> None:
    """When everything is mirrored, what the index lists and does not have is on its way out."""
    with open_depot(["*"]) as opened:
        await sync(opened)
        index.origin.on("/simple/demo/", Reply(status=404))
        await sync(opened)

        assert opened.catalog.reader.locate("tools", 2, "simple/demo/") == []
        assert filenames(opened, "other", 2) == ["other-1.0.tar.gz"]


@pytest.mark.fault("B13")
@pytest.mark.promise("P12")
async def test_a_file_without_a_strong_digest_is_not_fetched_on_demand(open_depot: Open, index: Index) -> None:
    """Nobody could tell later whether the bytes are right."""
    index.add("weak", "weak-1.tar.gz", hashes={"md5": "0" * 32})

    with open_depot(["weak"], policy="on_demand") as opened, pytest.raises(EntrepotError, match="stronger") as caught:
        await sync(opened)

    assert "allow_weak_digests = true" in str(caught.value)


@pytest.mark.parametrize("allowed", [False, True])
async def test_core_metadata_that_nothing_vouches_for_are_left_out(
    open_depot: Open, index: Index, allowed: bool
) -> None:
    """Its file is mirrored all the same, and the page does not promise what is not there."""
    index.origin.put("/packages/meta-1-py3-none-any.whl.metadata", b"Metadata-Version: 2.1\n")
    index.add("meta", "meta-1-py3-none-any.whl", **{"core-metadata": True})

    with open_depot(["meta"], allow_weak_digests=allowed) as opened:
        await sync(opened)

        beside = opened.catalog.reader.locate("tools", 1, "files/meta/meta-1-py3-none-any.whl.metadata")
        (listed,) = page(opened, "meta")["files"]

    assert listed["filename"] == "meta-1-py3-none-any.whl"
    assert (bool(beside), bool(listed.get("core-metadata"))) == (allowed, allowed)


async def test_several_projects_are_asked_for_at_a_time(open_depot: Open, index: Index) -> None:
    """As many as the remote allows, and no more."""
    for number in range(30):
        index.add(f"project-{number}", f"project_{number}-1.tar.gz")

    def slow(request: Seen) -> Reply:
        body = json.dumps({"name": request.path.split("/")[2], "files": []}).encode()
        return Reply(body=body, headers={"Content-Type": JSON}, pause=0.02)

    index.origin.on("/simple/project-*/", slow)
    with open_depot([f"project-{number}" for number in range(30)], concurrency=5) as opened:
        await sync(opened)

    assert index.origin.most_in_flight == 5


async def test_html_after_json_takes_nothing_back(index: Index, tmp_path: Path) -> None:
    """A cache that answers in HTML what was asked for in JSON brings no news, and no version."""
    table = {"type": "python", "url": index.origin.url("/simple/"), "options": {"include": ["demo"]}}
    with depot(tmp_path / "flip", {"py": table}) as opened:
        assert (await synced(opened, "py")).version is not None
        first, second = (
            f'"../../packages/{f["filename"]}#sha256={f["hashes"]["sha256"]}"' for f in index.pages["demo"]
        )
        requires = f'<a href={second} data-requires-python="&gt;=3.8">demo-2.0-py3-none-any.whl</a>'

        for yanked, is_news in (("", False), (' data-yanked="broken"', True)):
            page = f"<a href={first}{yanked}>demo-1.0.tar.gz</a>{requires}".encode()
            index.origin.on("/simple/demo/", Reply(body=page, headers={"Content-Type": "text/html"}))
            assert ((await synced(opened, "py")).version is not None) is is_news
