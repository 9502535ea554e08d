"""What older tools read of a project."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

import attrs
import pytest

from entrepot.testing import served
from entrepot_python.content import PythonFile, PythonProject
from entrepot_python.write_legacy import project_legacy

Open = Callable[..., AbstractContextManager[Any]]

WHEEL = PythonFile(
    project="demo",
    filename="demo-1.0-py2.py3-none-any.whl",
    hashes={"sha256": "ab" * 32, "md5": "cd" * 16},
    requires_python=">=3.8",
    size=1234,
    upload_time="2024-01-02T04:04:05.678901+01:00",
)


def written(*files: PythonFile) -> dict[str, Any]:
    """The page of project `demo` with these files."""
    page = json.loads(project_legacy(PythonProject(project="demo", name="Demo"), files))
    assert isinstance(page, dict)
    return page


def test_addresses_are_absolute_where_it_is_known_where_the_repository_is() -> None:
    """For tools that resolve none; the index's count of changes is told where it has one."""
    page = json.loads(project_legacy(PythonProject(project="demo", serial=7), [WHEEL], "https://mirror.example/tools/"))

    assert page["urls"][0]["url"] == f"https://mirror.example/tools/packages/demo/{WHEEL.filename}"
    assert page["last_serial"] == 7
    assert "last_serial" not in written(WHEEL)


def named(filename: str, yanked: bool | str = False) -> PythonFile:
    """A file of which little is said."""
    return PythonFile(project="demo", filename=filename, yanked=yanked)


def test_every_fact_that_is_mirrored_is_there() -> None:
    """Under the names that older tools know; a time in UTC, and as the index wrote it."""
    page = written(WHEEL)

    assert page["info"] == {
        "name": "Demo",
        "version": "1.0",
        "requires_python": ">=3.8",
        "yanked": False,
        "yanked_reason": None,
    }
    assert page["urls"] == page["releases"]["1.0"]
    assert page["urls"] == [
        {
            "filename": WHEEL.filename,
            "url": f"../../packages/demo/{WHEEL.filename}",
            "digests": {"sha256": "ab" * 32, "md5": "cd" * 16},
            "md5_digest": "cd" * 16,
            "size": 1234,
            "upload_time": "2024-01-02T03:04:05",
            "upload_time_iso_8601": "2024-01-02T04:04:05.678901+01:00",
            "packagetype": "bdist_wheel",
            "python_version": "py2.py3",
            "requires_python": ">=3.8",
            "has_sig": False,
            "yanked": False,
            "yanked_reason": None,
        }
    ]


@pytest.mark.parametrize(
    ("files", "latest"),
    [
        ([named("demo-9.tar.gz"), named("demo-10.tar.gz"), named("demo-11rc1.tar.gz")], "10"),
        ([named("demo-1.tar.gz"), named("demo-2.tar.gz", yanked="bad")], "1"),
        ([named("demo-1.tar.gz", yanked=True), named("demo-2.tar.gz", yanked="bad")], "2"),
        ([named("demo-1rc1.tar.gz"), named("demo-1rc2.tar.gz")], "1rc2"),
        ([named("demo-1.0-py3.8.egg")], None),
        ([], None),
    ],
)
def test_the_latest_release_is_one_that_an_installer_would_choose(files: list[PythonFile], latest: str | None) -> None:
    """Final and not yanked, unless there is nothing else."""
    page = written(*files)

    assert page["info"]["version"] == latest
    assert page["urls"] == (page["releases"][latest] if latest else [])


def test_a_yank_is_told_of_a_release_when_all_its_files_are_yanked() -> None:
    """With the first reason that is given."""
    wheel = attrs.evolve(WHEEL, yanked=True)

    assert written(wheel, named("demo-1.0.tar.gz", yanked="bad"))["info"]["yanked_reason"] == "bad"
    assert written(wheel, named("demo-1.0.tar.gz"))["info"]["yanked"] is False


async def test_the_page_is_served_where_it_is_asked_for(open_mirror: Open, index: Any) -> None:
    """It follows the mirror, leads to the files, and goes with its project or with the option."""
    options = {"include": ["*"], "legacy_json": True}
    with open_mirror([], options=options) as mirror:
        await mirror.sync()
        async with served(mirror.depot) as address:
            url = f"{address}/tools/pypi/demo/json"
            page, body = await asyncio.to_thread(_first_file, url)
        index.add("demo", "demo-3.0.tar.gz")
        del index.pages["other"]
        index.write("demo")
        await mirror.sync()
        (later,) = mirror.published("pypi/demo/json", 2)
        assert json.loads(later.body)["info"]["version"] == "3.0"
        assert mirror.published("pypi/other/json", 2) == []
        assert len(mirror.published("pypi/other/json", 1)) == 1
    with open_mirror([], options=options | {"legacy_json": False}) as mirror:
        await mirror.sync()
        assert mirror.published("pypi/demo/json", 3) == []

    assert list(page["releases"]) == ["1.0", "2.0"]
    assert body == b"the bytes of demo-2.0-py3-none-any.whl"


def _first_file(url: str) -> tuple[dict[str, Any], bytes]:
    with urlopen(url) as answer:
        page = json.load(answer)
    with urlopen(urljoin(url, page["urls"][0]["url"])) as answer:
        return page, answer.read()
