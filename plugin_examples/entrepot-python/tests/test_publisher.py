"""What is published: pages that clients read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from html.parser import HTMLParser
from typing import TypeVar

import attrs
import pytest

from entrepot.plugin import Content, PathRow, PublishedFile, Unpublished
from entrepot_python.content import PythonFile, PythonProject
from entrepot_python.publisher import SimplePublisher
from entrepot_python.read_html import read_html
from entrepot_python.read_json import read_json

JSON, HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"
SHA256 = "ab" * 32

C = TypeVar("C", bound=Content)


@attrs.frozen
class InMemoryVersion:
    """A version under construction, as a publisher sees it."""

    members: Sequence[PythonProject | PythonFile]
    changed: frozenset[str] = frozenset()
    whole: bool = True
    repository: str = "tools"
    number: int = 1

    async def contents(self, cls: type[C], *, where: tuple[str, str] | None = None) -> AsyncIterator[C]:
        """Members of one type, in order of key."""
        own = [member for member in self.members if isinstance(member, cls)]
        for member in sorted(own, key=lambda member: (member.project, getattr(member, "filename", ""))):
            if where is None or getattr(member, where[0]) == where[1]:
                yield member

    async def paths(self, cls: type[Content]) -> AsyncIterator[PathRow]:
        """Nothing asks for paths."""
        rows: tuple[PathRow, ...] = ()
        for row in rows:
            yield row

    async def values(self, cls: type[Content], field: str, *, changed: bool = False) -> list[str]:
        """Names of projects."""
        own = {getattr(member, field) for member in self.members if isinstance(member, cls)}
        return sorted(self.changed if changed and not self.whole else own)


async def published(version: InMemoryVersion) -> dict[tuple[str, str], bytes]:
    """Everything that is published, by path and media type."""
    found = {}
    async for file in SimplePublisher().publish(version):
        assert isinstance(file, PublishedFile)
        body = file.body if isinstance(file.body, bytes) else b"".join([piece async for piece in file.body])
        assert (file.relative_path, file.media_type) not in found
        found[file.relative_path, file.media_type] = body
    return found


FULL = PythonFile(
    project="demo",
    filename="demo-1.0+cpu-py3-none-any.whl",
    hashes={"md5": "cd" * 16, "sha256": SHA256},
    requires_python=">=3.8,<4",
    yanked='say "no" & <go>',
    size=1234,
    upload_time="2024-01-02T03:04:05.678901Z",
    core_metadata={"sha256": SHA256},
)
#: What is not read from an entry: whose it is, where this mirror has it, and what it mirrors beside it.
NOT_LISTED = {"project": "demo", "url": None, "provenance_sha256": None}
PROJECT = PythonProject(
    project="demo", name="Demo", versions=("1.0+cpu", "0.9"), status="archived", status_reason="old"
)


async def test_json_says_all_that_the_upstream_said() -> None:
    """What is read from the published page is what was kept."""
    pages = await published(InMemoryVersion([PROJECT, FULL]))

    page = read_json(pages["simple/demo/", JSON])
    (entry,) = page.entries
    assert attrs.asdict(entry) | NOT_LISTED == attrs.asdict(FULL) | {"url": None}
    assert (page.name, page.versions, page.status, page.status_reason) == (
        "Demo",
        ("1.0+cpu", "0.9"),
        "archived",
        "old",
    )
    assert json.loads(pages["simple/demo/", JSON])["meta"] == {"api-version": "1.4"}


@pytest.mark.parametrize("kind", [HTML, "text/html"])
async def test_html_says_all_that_html_can(kind: str) -> None:
    """Nothing that upstream wrote can end an attribute or begin a tag."""
    pages = await published(InMemoryVersion([PROJECT, FULL]))

    page = read_html(pages["simple/demo/", kind])
    (entry,) = page.entries
    expected = attrs.evolve(FULL, hashes={"sha256": SHA256}, size=None, upload_time=None)
    assert attrs.asdict(entry) | NOT_LISTED == attrs.asdict(expected) | {"url": None}
    assert (page.status, page.status_reason) == ("archived", "old")
    assert b"<go>" not in pages["simple/demo/", kind]


async def test_files_are_named_relatively_and_quoted() -> None:
    """The same page is right under NAME, under NAME@7, and in a folder."""
    pages = await published(InMemoryVersion([PROJECT, FULL]))

    (file,) = json.loads(pages["simple/demo/", JSON])["files"]
    assert file["url"] == "../../packages/demo/demo-1.0%2Bcpu-py3-none-any.whl"
    assert b'href="../../packages/demo/demo-1.0%2Bcpu-py3-none-any.whl#sha256=' in pages["simple/demo/", HTML]


async def test_the_count_of_changes_goes_with_every_page() -> None:
    """In the list of all, in each page, and beside it, for mirrors of the mirror."""
    counted = attrs.evolve(PROJECT, serial=7)
    files = [file async for file in SimplePublisher(legacy=True).publish(InMemoryVersion([counted, FULL]))]

    pages = [file for file in files if isinstance(file, PublishedFile) and "demo" in file.relative_path]
    assert [page.headers for page in pages] == [{"X-PyPI-Last-Serial": "7"}] * 4
    as_published = await published(InMemoryVersion([counted, FULL]))
    assert json.loads(as_published["simple/demo/", JSON])["meta"]["_last-serial"] == 7
    assert json.loads(as_published["simple/", JSON])["projects"] == [{"name": "Demo", "_last-serial": 7}]


async def test_what_the_upstream_did_not_say_is_not_said() -> None:
    """No key stands for nothing; the version claimed asks for no more than is there."""
    bare = PythonFile(project="demo", filename="demo-1.0.tar.gz", hashes={})
    pages = await published(InMemoryVersion([PythonProject(project="demo"), bare]))

    read = json.loads(pages["simple/demo/", JSON])
    assert read["meta"] == {"api-version": "1.0"}
    assert set(read) == {"meta", "name", "files"}
    assert set(read["files"][0]) == {"filename", "url", "hashes", "yanked"}
    assert b'<a href="../../packages/demo/demo-1.0.tar.gz">demo-1.0.tar.gz</a>' in pages["simple/demo/", HTML]


@pytest.mark.parametrize(
    ("project", "version"),
    [
        (PythonProject(project="demo", versions=("1",)), "1.1"),
        (PythonProject(project="demo", versions=("1",), tracks=("https://a.example/",)), "1.2"),
        (PythonProject(project="demo", versions=("1",), status="active"), "1.4"),
        (PythonProject(project="demo"), "1.0"),
    ],
)
async def test_the_version_of_the_api_follows_from_what_is_said(project: PythonProject, version: str) -> None:
    """From 1.1 on, every file has a size and the project lists its versions."""
    pages = await published(InMemoryVersion([project, FULL]))

    assert json.loads(pages["simple/demo/", JSON])["meta"]["api-version"] == version


async def test_the_root_lists_every_project() -> None:
    """In order, in each form."""
    projects = [PythonProject(project=name, name=name.title()) for name in ("b-b", "b", "a")]
    pages = await published(InMemoryVersion(projects))

    assert [entry["name"] for entry in json.loads(pages["simple/", JSON])["projects"]] == ["A", "B", "B-B"]
    links = _Links()
    links.feed(pages["simple/", HTML].decode())
    assert links.found == ["a/", "b/", "b-b/"]
    assert pages["simple/", HTML] == pages["simple/", "text/html"]


async def test_files_go_to_the_page_of_their_own_project() -> None:
    """Names that begin alike are kept apart; a file whose project is not there is on no page."""
    names = ("a", "a-a", "aa", "ab")
    files = [PythonFile(project=name, filename=f"{name}-{number}.zip") for name in names for number in (1, 2)]
    projects = [PythonProject(project=name) for name in names if name != "aa"]
    pages = await published(InMemoryVersion([*projects, *files]))

    listed = {
        path: [file["filename"] for file in json.loads(body)["files"]]
        for (path, kind), body in pages.items()
        if kind == JSON and path != "simple/"
    }
    assert listed == {f"simple/{name}/": [f"{name}-1.zip", f"{name}-2.zip"] for name in names if name != "aa"}


async def test_only_what_changed_is_written_anew() -> None:
    """The page of a project that is gone is taken away."""
    version = InMemoryVersion([PROJECT, FULL], changed=frozenset({"demo", "gone"}), whole=False)

    files = [file async for file in SimplePublisher().publish(version)]

    written = {file.relative_path for file in files if isinstance(file, PublishedFile)}
    assert written == {"simple/", "simple/demo/"}
    assert Unpublished("simple/gone/") in files


async def test_nothing_changed_writes_nothing() -> None:
    """Not even the root."""
    version = InMemoryVersion([PROJECT, FULL], whole=False)

    assert [file async for file in SimplePublisher().publish(version)] == []


async def test_a_large_root_is_a_stream() -> None:
    """It never stands in memory whole, and is the same as if it did."""
    projects = [PythonProject(project=f"p-{number:06}", name="n" * 250) for number in range(5_000)]
    version = InMemoryVersion(projects)

    streams = {
        file.media_type: b"".join([piece async for piece in file.body])
        async for file in SimplePublisher().publish(version)
        if isinstance(file, PublishedFile) and not isinstance(file.body, bytes)
    }

    assert set(streams) == {JSON, HTML, "text/html"}
    assert len(json.loads(streams[JSON])["projects"]) == 5_000


async def test_the_same_content_gives_the_same_bytes() -> None:
    """In whatever order digests were said."""
    turned = attrs.evolve(FULL, hashes=dict(sorted(FULL.hashes.items(), reverse=True)))

    assert await published(InMemoryVersion([PROJECT, FULL])) == await published(InMemoryVersion([PROJECT, turned]))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attributes if tag == "a" and name == "href" and value]
