"""Mirroring from an index on loopback into a real depot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from entrepot.testing import Reply, Seen

JSON, HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"

Open = Callable[..., AbstractContextManager[Any]]


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
    open_mirror: Open, index: Any, include: list[str], expected: dict[str, list[str]]
) -> None:
    """Pages of other projects are not even asked for."""
    with open_mirror(include) as mirror:
        assert await mirror.sync()

        assert {project: mirror.filenames(project) for project in expected} == expected
        assert index.origin.count("/packages/*") == sum(map(len, expected.values()))
        assert {f"/simple/{project}/" for project in expected} == {
            request.path for request in index.origin.requests if request.path not in ("/simple/",)
        } - {request.path for request in index.origin.requests if request.path.startswith("/packages/")}


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_bytes_come_when_the_policy_says(open_mirror: Open, index: Any, policy: str) -> None:
    """The same files are listed either way."""
    with open_mirror(["demo"], policy=policy) as mirror:
        await mirror.sync()

        (found,) = mirror.published("packages/demo/demo-1.0.tar.gz")

    assert (found.artifact is None) == (policy == "on_demand")
    assert index.origin.count("/packages/*") == (2 if policy == "immediate" else 0)
    assert found.urls == (index.origin.url("/packages/demo-1.0.tar.gz"),)


async def test_core_metadata_is_mirrored_beside_its_file(open_mirror: Open, index: Any) -> None:
    """It is verified by the digest that the index gives, and listed with it."""
    metadata = b"Metadata-Version: 2.1\nName: meta\n"
    digest = hashlib.sha256(metadata).hexdigest()
    index.origin.put("/packages/meta-1-py3-none-any.whl.metadata", metadata)
    index.add("meta", "meta-1-py3-none-any.whl", **{"core-metadata": {"sha256": digest}})

    with open_mirror(["meta"]) as mirror:
        await mirror.sync()

        (found,) = mirror.published("packages/meta/meta-1-py3-none-any.whl.metadata")
        (listed,) = mirror.page("meta")["files"]

    assert found.artifact.sha256.hex() == digest
    assert listed["core-metadata"] == listed["dist-info-metadata"] == {"sha256": digest}


@pytest.mark.promise("P07")
async def test_nothing_changed_makes_no_version_and_asks_for_no_page_again(open_mirror: Open, index: Any) -> None:
    """Unchanged pages are answered with 304, and nothing is downloaded."""
    with open_mirror(["demo", "other"]) as mirror:
        await mirror.sync()
        before = len(index.origin.requests)

        assert await mirror.sync() is None

    again = index.origin.requests[before:]
    assert sorted(request.path for request in again) == ["/simple/demo/", "/simple/other/"]
    assert all("if-none-match" in request.headers for request in again)


async def test_an_index_without_validators_is_known_by_its_bytes(open_mirror: Open, index: Any) -> None:
    """A page that comes again unchanged is kept unread."""
    body = json.dumps({"meta": {}, "name": "demo", "files": index.pages["demo"]}).encode()
    index.origin.on("/simple/demo/", Reply(body=body, headers={"Content-Type": JSON}))

    with open_mirror(["demo"]) as mirror:
        await mirror.sync()

        assert await mirror.sync() is None
        assert mirror.filenames("demo") == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]


@pytest.mark.promise("P02")
async def test_a_yank_makes_a_version_and_the_one_before_stays_as_it_was(open_mirror: Open, index: Any) -> None:
    """The bytes are not asked for again."""
    with open_mirror(["demo", "other"]) as mirror:
        await mirror.sync()
        index.pages["demo"][0]["yanked"] = "leaks"
        index.write("demo")
        version = await mirror.sync()

        assert version is not None
        yanked = [[file["yanked"] for file in mirror.page("demo", number)["files"]] for number in (1, 2)]
        assert mirror.filenames("other", 2) == ["other-1.0.tar.gz"]

    assert yanked == [[False, False], ["leaks", False]]
    assert index.origin.count("/packages/demo-1.0.tar.gz") == 1


async def test_what_left_the_index_leaves_the_mirror(open_mirror: Open, index: Any) -> None:
    """A file, and a project that is no longer included, go with the next version; the last keeps them."""
    with open_mirror(["demo", "other"]) as mirror:
        await mirror.sync()
    del index.pages["demo"][0]
    index.write("demo")

    with open_mirror(["demo"]) as mirror:
        await mirror.sync()

        assert mirror.filenames("demo", 2) == ["demo-2.0-py3-none-any.whl"]
        assert mirror.published("simple/other/", 2) == []
        assert mirror.filenames("other", 1) == ["other-1.0.tar.gz"]


async def test_an_index_in_html_gives_the_same_files(open_mirror: Open, index: Any) -> None:
    """What HTML cannot say is left out, and the page claims no newer version than it fills."""
    digest = index.pages["demo"][0]["hashes"]["sha256"]
    link = f'<a href="/packages/demo-1.0.tar.gz#sha256={digest}" data-yanked="why">demo-1.0.tar.gz</a>'
    index.origin.on("/simple/demo/", Reply(body=link.encode(), headers={"Content-Type": f"{HTML}; charset=UTF-8"}))

    with open_mirror(["demo"]) as mirror:
        await mirror.sync()

        read = mirror.page("demo")
        assert read["meta"] == {"api-version": "1.0"}
        assert [(file["filename"], file["yanked"]) for file in read["files"]] == [("demo-1.0.tar.gz", "why")]


async def test_the_index_is_asked_for_json_first(open_mirror: Open, index: Any) -> None:
    """JSON says more; HTML is taken from who has nothing else."""
    with open_mirror(["demo"]) as mirror:
        await mirror.sync()

    accept = index.origin.requests[0].headers["accept"]
    assert accept.startswith(f"{JSON}, {HTML};q=0.2, text/html;q=0.1")


async def test_a_project_that_just_left_the_index_is_no_failure(open_mirror: Open, index: Any) -> None:
    """When everything is mirrored, what the index lists and does not have is on its way out."""
    with open_mirror(["*"]) as mirror:
        await mirror.sync()
        index.origin.on("/simple/demo/", Reply(status=404))
        await mirror.sync()

        assert mirror.published("simple/demo/", 2) == []
        assert mirror.filenames("other", 2) == ["other-1.0.tar.gz"]


async def test_several_projects_are_asked_for_at_a_time(open_mirror: Open, index: Any) -> None:
    """As many as the remote allows, and no more."""
    for number in range(30):
        index.add(f"project-{number}", f"project_{number}-1.tar.gz")

    def slow(request: Seen) -> Reply:
        body = json.dumps({"name": request.path.split("/")[2], "files": []}).encode()
        return Reply(body=body, headers={"Content-Type": JSON}, pause=0.02)

    index.origin.on("/simple/project-*/", slow)
    with open_mirror([f"project-{number}" for number in range(30)], concurrency=5) as mirror:
        await mirror.sync()

    assert index.origin.most_in_flight == 5


async def test_html_after_json_takes_nothing_back(open_mirror: Open, index: Any) -> None:
    """A cache that answers in HTML what was asked for in JSON brings no news, and no version."""
    with open_mirror(["demo"]) as mirror:
        assert await mirror.sync() is not None
        first, second = (
            f'"../../packages/{f["filename"]}#sha256={f["hashes"]["sha256"]}"' for f in index.pages["demo"]
        )
        requires = f'<a href={second} data-requires-python="&gt;=3.8">demo-2.0-py3-none-any.whl</a>'

        for yanked, is_news in (("", False), (' data-yanked="broken"', True)):
            page = f"<a href={first}{yanked}>demo-1.0.tar.gz</a>{requires}".encode()
            index.origin.on("/simple/demo/", Reply(body=page, headers={"Content-Type": "text/html"}))
            assert (await mirror.sync() is not None) is is_news


async def test_only_what_the_list_of_all_tells_as_changed_is_asked_for(open_mirror: Open, index: Any) -> None:
    """An index that counts its changes saves a request for each project; an older list, or none, saves nothing."""

    def serve(serials: dict[str, int | None], pages: dict[str, int | None]) -> None:
        listed = [{"name": name, "_last-serial": serial} for name, serial in serials.items()]
        index.serve("/simple/", {"meta": {"api-version": "1.1"}, "projects": listed})
        for name, serial in pages.items():
            body = json.dumps({"meta": {}, "name": name, "files": index.pages[name]}).encode()
            headers = {"Content-Type": JSON} | ({} if serial is None else {"X-PyPI-Last-Serial": str(serial)})
            index.origin.on(f"/simple/{name}/", Reply(body=body, headers=headers))

    async def asked_for(mirror: Any) -> list[str]:
        before = len(index.origin.requests)
        await mirror.sync()
        paths = [request.path for request in index.origin.requests[before:]]
        return sorted(path.split("/")[2] for path in paths if path not in ("/simple/",) and "packages" not in path)

    index.add("uncounted", "uncounted-1.0.tar.gz")
    serve({"uncounted": 0}, {"uncounted": 0})
    with open_mirror(["*"]) as mirror:
        assert await asked_for(mirror) == await asked_for(mirror) == ["uncounted"]

    serve({"demo": 7, "other": 8}, {"demo": 7, "other": None})
    with open_mirror(["*"]) as mirror:
        assert await asked_for(mirror) == ["demo", "other"]
        assert await asked_for(mirror) == ["other"]
        assert mirror.filenames("demo", mirror.latest()) == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]

        del index.pages["demo"][0]
        serve({"demo": 9, "other": 8}, {"demo": 9})
        assert await asked_for(mirror) == ["demo", "other"]
        assert mirror.filenames("demo", mirror.latest()) == ["demo-2.0-py3-none-any.whl"]

        serve({"demo": 7, "other": 8}, {})
        assert await asked_for(mirror) == ["demo", "other"]
        serve({"demo": 9}, {})
        assert await asked_for(mirror) == []
        assert mirror.published("simple/other/", mirror.latest()) == []
        assert mirror.filenames("demo", mirror.latest()) == ["demo-2.0-py3-none-any.whl"]

    with open_mirror([], options={"include": ["*"], "newest": 1}) as mirror:
        assert await asked_for(mirror) == ["demo"]
