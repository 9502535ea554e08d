"""What is left out of a mirror: never downloaded, told with a reason, and gone from what was there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from entrepot.plugin import ConfigurationError

Open = Callable[..., AbstractContextManager[Any]]


def refusals(mirror: Any) -> dict[str, str]:
    """What the last run refused, by file or project, and the rule of each."""
    reader = mirror.depot.catalog.reader
    rows = list(reader.refusals("tools", reader.last_run("tools").id))
    assert all(row.reason and row.remedy for row in rows)
    return {row.key: row.rule for row in rows}


def file(project: str, filename: str) -> str:
    """The key of a file."""
    return f'["python.file","{project}","{filename}"]'


async def test_what_is_left_out_is_not_downloaded_and_has_a_reason(open_mirror: Open, index: Any) -> None:
    """Every file that the page lists is there, or refused by a rule."""
    index.write("demo", versions=["1.0", "2.0"])
    options = {"include": ["*"], "exclude": ["oth*"], "package_types": ["wheel"]}

    with open_mirror([], options=options) as mirror:
        await mirror.sync()

        page = mirror.page("demo")
        assert [each["filename"] for each in page["files"]] == ["demo-2.0-py3-none-any.whl"]
        assert page["versions"] == ["2.0"]
        assert refusals(mirror) == {
            file("demo", "demo-1.0.tar.gz"): "package-types",
            '["python.project","other"]': "exclude",
        }
    assert index.origin.count("/simple/other/") == 0
    assert index.origin.count("/packages/*") == 1


async def test_a_rule_takes_away_what_is_there(open_mirror: Open, index: Any) -> None:
    """In the next version, though no page has changed; the version before keeps it, and back it comes."""
    included = {"include": ["demo", "other"]}
    with open_mirror([], options=included) as mirror:
        await mirror.sync()
    for options in ({"newest": 1}, {"exclude": ["demo<2"]}):
        with open_mirror([], options=included | options) as mirror:
            await mirror.sync()
            assert mirror.filenames("demo", mirror.latest()) == ["demo-2.0-py3-none-any.whl"]
            assert mirror.filenames("other", mirror.latest()) == ["other-1.0.tar.gz"]
            assert mirror.filenames("demo", 1) == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
            assert mirror.published("packages/demo/demo-1.0.tar.gz", mirror.latest()) == []

        with open_mirror([], options=included) as mirror:
            await mirror.sync()
            assert mirror.filenames("demo", mirror.latest()) == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
    assert index.origin.count("/packages/*") == 3


async def test_what_is_excluded_costs_a_sync_without_news_nothing(open_mirror: Open, index: Any) -> None:
    """No page of it is asked for, and it is not refused again."""
    with open_mirror([], options={"include": ["*"], "exclude": ["other"], "newest": 1}) as mirror:
        await mirror.sync()
        assert len(refusals(mirror)) == 2

        assert await mirror.sync() is None
        assert refusals(mirror) == {}
        assert mirror.published("simple/other/") == []


async def test_patterns_are_looked_for_in_the_list_of_all(open_mirror: Open, index: Any) -> None:
    """A name that is written out is asked for whether or not it is listed there, and no project twice."""
    index.add("demo-extra", "demo_extra-1.tar.gz")

    with open_mirror(["Demo_*", "dem?>=2", "demo==1.0"]) as mirror:
        await mirror.sync()

        assert mirror.filenames("demo") == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
        assert mirror.filenames("demo-extra") == ["demo_extra-1.tar.gz"]
        assert mirror.published("simple/other/") == []
    assert [index.origin.count(f"/simple/{name}/") for name in ("demo", "demo-extra", "other")] == [1, 1, 0]


async def test_a_project_of_which_nothing_is_left_is_not_there(open_mirror: Open, index: Any) -> None:
    """A client is told that there is no such project, and `why` that it was refused; nothing has failed."""
    with open_mirror([], options={"include": ["*"], "package_types": ["wheel"]}) as mirror:
        await mirror.sync()

        assert mirror.published("simple/other/") == []
        assert refusals(mirror) == {
            '["python.project","other"]': "no-files",
            file("other", "other-1.0.tar.gz"): "package-types",
            file("demo", "demo-1.0.tar.gz"): "package-types",
        }


async def test_a_file_of_requirements_is_read_at_every_sync(open_mirror: Open, index: Any, tmp_path: Path) -> None:
    """Only the projects of which it says something else are read again."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("demo==1.0\nother\n")

    with open_mirror([], options={"include_from": [str(requirements)]}) as mirror:
        await mirror.sync()
        assert mirror.filenames("demo") == ["demo-1.0.tar.gz"]
        assert await mirror.sync() is None

        before = len(index.origin.requests)
        requirements.write_text("demo>=2\nother\n")
        await mirror.sync()
        assert mirror.filenames("demo", 2) == ["demo-2.0-py3-none-any.whl"]
        assert mirror.filenames("other", 2) == ["other-1.0.tar.gz"]
        conditional = {seen.path: "if-none-match" in seen.headers for seen in index.origin.requests[before:]}
        assert conditional.pop("/simple/demo/") is False
        assert conditional.pop("/simple/other/") is True

        requirements.write_text("demo>=2\n")
        await mirror.sync()
        assert mirror.published("simple/other/", 3) == []


@pytest.mark.parametrize("text", ["-e .\n", "demo ==\n"])
async def test_a_file_that_asks_for_nothing_or_nonsense_ends_the_sync(
    open_mirror: Open, index: Any, tmp_path: Path, text: str
) -> None:
    """What the repository has stays, and the upstream is not asked for anything."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(text)

    opened = open_mirror([], options={"include_from": [str(requirements)]})
    with opened as mirror, pytest.raises(ConfigurationError, match=r"include_from|not a requirement"):
        await mirror.sync()

    assert index.origin.count() == 0


@pytest.mark.fault("B03")
@pytest.mark.promise("P33")
@pytest.mark.parametrize("options", [{}, {"include": ["demo>=1"], "newest": 9, "python_versions": ["3.11"]}])
async def test_a_name_that_takes_long_to_read_harms_no_other_file(
    open_mirror: Open, index: Any, options: dict[str, Any]
) -> None:
    """Its version is of more digits than Python turns into a number, or its tags are millions."""
    tags = ".".join(f"a{number}" for number in range(300))
    for name in (f"demo-{'1' * 4400}.tar.gz", f"demo-3-{tags}-{tags}-{tags}.whl"):
        index.pages["demo"].append({"filename": name, "url": f"/{name}", "hashes": {"sha256": "0" * 64}, "size": 1})
    index.write("demo")

    with open_mirror([], options={"include": ["demo"], **options}, policy="on_demand", on_error="skip") as mirror:
        await mirror.sync()

        assert mirror.filenames("demo")[:2] == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
