"""Several indexes served as one: whose project it is, and what there is in all of them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from packaging.utils import canonicalize_name

import entrepot_python.plugin
from entrepot.testing import BadOrigin, Reply, check_depot, depot, served, sync
from entrepot_python.combining import merged_roots, page_of

JSON = "application/vnd.pypi.simple.v1+json"

OpenBoth = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
async def own(index: Any) -> AsyncIterator[Any]:
    """An index of one's own, which writes a name in its own way."""
    async with BadOrigin() as origin:
        made = type(index)(origin)
        add(made, "Acme.Tools", "acme_tools-1.0.tar.gz")
        yield made


def add(index: Any, name: str, filename: str) -> None:
    """List a file of a project that the index writes in its own way, and serves under the normalized name."""
    index.add(name, filename)
    page = {"meta": {"api-version": "1.1"}, "name": name, "files": index.pages[name]}
    index.serve(f"/simple/{canonicalize_name(name)}/", page)


@pytest.fixture
def open_both(index: Any, own: Any, tmp_path: Path) -> OpenBoth:
    """Open a depot where `all` has `ours` before `public`; arguments are further keys of `ours`."""

    @contextmanager
    def opened(**ours: Any) -> Iterator[Any]:
        table = {"type": "python", "allow_private": True, "retries": 0, "options": {"include": ["*"]}}
        tables = {
            "ours": {**table, "url": own.origin.url("/simple/"), **ours},
            "public": {**table, "url": index.origin.url("/simple/")},
        }
        combined = {"all": {"repositories": ["ours", "public"]}}
        plugins = [("python", entrepot_python.plugin)]
        with depot(tmp_path / "depot", tables, combined=combined, plugins=plugins, installed=False) as made:
            yield made

    return opened


async def got(address: str, path: str, accept: str = JSON) -> tuple[int, str]:
    """Status and text of an answer below the combination."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/all/{path}", headers={"Accept": accept}) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.promise("P36")
@pytest.mark.fault("B15")
async def test_a_name_belongs_to_who_ranks_first_however_it_is_written(
    index: Any, own: Any, open_both: OpenBoth
) -> None:
    """The project is theirs whole: no file of a higher version is had from the other, by its page or its path."""
    add(index, "acme_tools", "acme_tools-99.0.tar.gz")
    add(index, "acme_tools", "acme_tools-1.0.tar.gz")
    with open_both() as opened:
        await sync(opened, "ours")
        await sync(opened, "public")
        async with served(opened) as address:
            status, page = await got(address, "simple/acme-tools/")
            assert status == 200
            assert [file["filename"] for file in json.loads(page)["files"]] == ["acme_tools-1.0.tar.gz"]
            body = await got(address, "packages/acme-tools/acme_tools-1.0.tar.gz")
            assert body == (200, "the bytes of acme_tools-1.0.tar.gz")
            for path in (
                "packages/acme-tools/acme_tools-99.0.tar.gz",
                "packages/Acme_Tools/acme_tools-99.0.tar.gz",
                "simple/acme_tools/",
                "simple/Acme.Tools/",
                "pypi/acme-tools/json",
                "pypi/ACME--tools/json",
            ):
                assert (path, (await got(address, path))[0]) == (path, 404)
            assert (await got(address, "simple/demo/"))[0] == 200
            assert (await got(address, "packages/demo/demo-1.0.tar.gz"))[0] == 200
        check_depot(opened)


async def test_the_root_lists_each_project_of_any_once(index: Any, open_both: OpenBoth) -> None:
    """As who ranks first writes it, in order of the normalized names, in JSON and HTML."""
    add(index, "acme_tools", "acme_tools-99.0.tar.gz")
    add(index, "Acme.Tool", "acme_tool-1.0.tar.gz")
    with open_both() as opened:
        await sync(opened, "ours")
        await sync(opened, "public")
        async with served(opened) as address:
            status, root = await got(address, "simple/")
            html = await got(address, "simple/", "text/html")
            old = await got(address, "simple/", "application/vnd.pypi.simple.v1+html")

    names = ["Acme.Tool", "Acme.Tools", "demo", "other"]
    assert (status, json.loads(root)) == (
        200,
        {"meta": {"api-version": "1.0"}, "projects": [{"name": name} for name in names]},
    )
    links = [("acme-tool", "Acme.Tool"), ("acme-tools", "Acme.Tools"), ("demo", "demo"), ("other", "other")]
    assert re.findall('<a href="([^"]*)/">([^<]*)</a>', html[1]) == links
    assert '<meta name="pypi:repository-version" content="1.0">' in html[1]
    assert html == old


@pytest.mark.promise("P36")
@pytest.mark.fault("A01")
async def test_who_cannot_say_whether_a_name_is_ours_lets_nobody_else_say_it(
    index: Any, own: Any, open_both: OpenBoth
) -> None:
    """An index of our own that fails when it is asked fails the answer; once it heals, the name is ours."""
    index.add("acme-secret", "acme_secret-99.tar.gz")
    own.add("acme-secret", "acme_secret-1.0.tar.gz")
    own.origin.on("/simple/acme-secret/", Reply(status=500))
    with open_both(pull_through=True, options={"include": ["acme-tools"]}) as opened:
        await sync(opened, "ours")
        await sync(opened, "public")
        async with served(opened) as address:
            assert (await got(address, "packages/acme-secret/acme_secret-99.tar.gz"))[0] == 502
            assert (await got(address, "simple/acme-secret/"))[0] == 502
        own.write("acme-secret")
        async with served(opened) as address:
            assert (await got(address, "packages/acme-secret/acme_secret-99.tar.gz"))[0] == 404
            status, page = await got(address, "simple/acme-secret/")
            assert (status, "acme_secret-1.0" in page, "acme_secret-99" in page) == (200, True, False)
            assert (await got(address, "simple/other/"))[0] == 200


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("simple/demo/", "simple/demo/"),
        ("simple/demo", "simple/demo/"),
        ("simple/De_.mo/", "simple/de-mo/"),
        ("packages/De.Mo/demo-1.0.tar.gz", "simple/de-mo/"),
        ("packages/demo/demo-1.0.tar.gz.metadata", "simple/demo/"),
        ("pypi/demo/json", "simple/demo/"),
        ("packages/demo", "simple/demo/"),
        ("packages/", "packages/"),
        ("simple", "simple"),
        ("readme", "readme"),
    ],
)
def test_a_path_is_of_the_project_that_it_names(path: str, page: str) -> None:
    """Whatever it asks for there; what is of no project stands for itself."""
    assert page_of(path) == page


def test_lists_of_any_size_are_merged_as_they_are_read() -> None:
    """The first pieces are there before a list has been read to its end."""
    many = b'{"meta":{},"projects":[' + b",".join(b'{"name":"p%06d"}' % n for n in range(50_000)) + b"]}"
    roots = [BytesIO(many), BytesIO(b'{"meta":{},"projects":[{"name":"p000001","_last-serial":7},{"name":"q"}]}')]

    pieces = merged_roots(JSON, roots)
    first = [next(pieces) for _ in range(3)]
    read = roots[0].tell()
    whole = json.loads(b"".join([*first, *pieces]))

    assert 0 < read < len(many) / 2
    assert len(whole["projects"]) == 50_001
    assert whole["projects"][1] == {"name": "p000001"}
