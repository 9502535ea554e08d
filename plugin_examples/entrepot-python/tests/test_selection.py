"""Which files of a page are mirrored, by every rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from entrepot.plugin import ConfigurationError
from entrepot_python.options import PythonOptions
from entrepot_python.project_page import ListedFile, ProjectPage
from entrepot_python.selection import Choice, parse_selection

DEMO = canonicalize_name("demo")


def chosen(files: list[ListedFile], versions: tuple[str, ...] | None = None, **options: Any) -> Choice:
    """What becomes of a page of project `demo`."""
    selection = parse_selection(PythonOptions(**{"include": ("demo",), **options}))
    return selection.choose(DEMO, ProjectPage(name="demo", entries=tuple(files), versions=versions))


def rules(choice: Choice) -> list[str | None]:
    """For each file None, or the rule that leaves it out."""
    return [None if why is None else why.rule for why in choice.left_out]


def sdists(*versions: str, **said: Any) -> list[ListedFile]:
    """One source distribution for each version."""
    return [ListedFile(filename=f"demo-{version}.tar.gz", url="x", **said) for version in versions]


def wheel(tags: str, **said: Any) -> ListedFile:
    """A wheel of version 1."""
    return ListedFile(filename=f"demo-1-{tags}.whl", url="x", **said)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [None, None, None, None]),
        ({"include": ("demo>=2",)}, ["include", None, None, "include"]),
        ({"exclude": ("demo<2",)}, ["exclude", None, None, None]),
        ({"exclude": ("de*<2", "DEMO==3rc1")}, ["exclude", None, "exclude", None]),
        ({"exclude": ("other",)}, [None, None, None, None]),
        ({"prereleases": False}, [None, None, "prereleases", None]),
        ({"prereleases": False, "include": ("demo", "demo==3rc1")}, [None, None, None, None]),
        ({"package_types": ("sdist",)}, [None, None, None, "package-types"]),
        ({"package_types": ("wheel", "egg")}, ["package-types"] * 3 + [None]),
        ({"python_versions": ("3.11",)}, [None, None, None, None]),
        ({"platforms": ("win_amd64",)}, [None, None, None, None]),
        ({"max_size": 1}, [None, None, None, None]),
        ({"newest": 1}, ["newest", None, None, "newest"]),
        ({"newest": 2}, [None, None, None, "newest"]),
        ({"newest": 3}, [None, None, None, None]),
    ],
)
def test_each_rule_leaves_out_what_it_does_not_admit(options: dict[str, Any], expected: list[str | None]) -> None:
    """Versions 1, 2 and 3rc1, and an egg whose name does not tell its version."""
    files = [*sdists("1", "2", "3rc1"), ListedFile(filename="demo-0.9-py3.8.egg", url="x")]

    assert rules(chosen(files, **options)) == expected


def test_newest_counts_releases_that_are_of_use() -> None:
    """Not yanked ones, nor pre-releases, nor a build for each accelerator; what is newer than the oldest stays."""
    yanked = sdists("1.1", "3", yanked="broken")
    files = [*sdists("1", "2", "2.0.post1", "4a1"), *sdists("5+cpu", "5+gpu"), *yanked]

    left_out = dict(zip([file.filename for file in files], rules(chosen(files, newest=3)), strict=True))

    assert {name for name, rule in left_out.items() if rule} == {"demo-1.tar.gz", "demo-1.1.tar.gz"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (sdists("1a1", "1a2"), ["newest", None]),
        (sdists("1", "2", yanked=True), ["newest", None]),
        (sdists("nonsense"), [None]),
    ],
)
def test_a_project_of_nothing_but_pre_releases_or_yanks_has_a_newest_too(
    files: list[ListedFile], expected: list[str | None]
) -> None:
    """Else it would be mirrored whole, or not at all."""
    assert rules(chosen(files, newest=1)) == expected


def test_newest_counts_what_the_other_rules_leave() -> None:
    """The newest two with a wheel, not whatever the two newest have."""
    files = [*sdists("4", "3"), *(ListedFile(filename=f"demo-{n}-py3-none-any.whl", url="x") for n in (1, 2, 3))]

    assert rules(chosen(files, package_types=("wheel",), newest=2)) == ["package-types"] * 2 + ["newest", None, None]


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        (wheel("cp311-cp311-manylinux_2_17_x86_64"), None),
        (wheel("cp312-cp312-manylinux_2_17_x86_64"), "python-versions"),
        (wheel("cp311-cp311-manylinux_2_17_aarch64"), "platforms"),
        (wheel("cp311.cp312-cp311.cp312-manylinux_2_17_x86_64"), None),
        (wheel("py3-none-any"), None),
        (wheel("py3-none-win_amd64"), "platforms"),
        (wheel("py3-none-any", requires_python=">=3.12"), "python-versions"),
        (sdists("1", requires_python="<3.11")[0], "python-versions"),
        (sdists("1", requires_python="nonsense")[0], None),
    ],
)
def test_what_runs_nowhere_is_left_out(file: ListedFile, rule: str | None) -> None:
    """By tags and by what a file requires; source runs everywhere."""
    choice = chosen([file], python_versions=("3.11",), platforms=("manylinux_2_28_x86_64",))

    assert rules(choice) == [rule]


@pytest.mark.parametrize(("size", "rule"), [(None, None), (10, None), (11, "max-size")])
def test_what_is_too_large_is_left_out(size: int | None, rule: str | None) -> None:
    """By what the index says; in HTML it says nothing."""
    assert rules(chosen(sdists("1", size=size), max_size=10)) == [rule]


def test_the_versions_that_are_listed_are_those_that_are_mirrored() -> None:
    """A version without any file stays where the rules admit it, and one that only other files had goes."""
    files = [*sdists("1.0", "2"), wheel("py3-none-any")]
    versions = ("1", "2.0", "0.5", "3", "4rc1", "nonsense")
    endless = ("1" * 5000,)

    assert chosen(files, versions).versions == versions
    assert chosen(files, versions, package_types=("wheel",)).versions == ("1", "0.5", "3", "4rc1", "nonsense")
    assert chosen(files, versions, include=("demo>=1",), prereleases=False).versions == ("1", "2.0", "3")
    assert chosen(files, versions, newest=1).versions == ("2.0", "3", "4rc1")
    assert chosen(files, None, newest=1).versions is None
    assert chosen(files, endless, newest=1).versions == ()


def test_every_reason_says_what_lets_the_file_in() -> None:
    """In words for `entrepot why`."""
    files = [wheel("cp312-cp312-win_amd64", size=11), *sdists("1", "2rc1", "3")]
    asked: list[dict[str, Any]] = [
        {"include": ("demo>9",)},
        {"exclude": ("demo>=1,<9",)},
        {"prereleases": False},
        {"package_types": ("egg",)},
        {"python_versions": ("3.11",)},
        {"platforms": ("win32",)},
        {"max_size": 10},
        {"newest": 1},
    ]

    found = [why for options in asked for why in chosen(files, **options).left_out if why is not None]

    assert {why.rule.replace("-", "_") for why in found} == {key for options in asked for key in options}
    assert all(why.reason.isprintable() and why.rule.replace("-", "_") in why.remedy for why in found)


@pytest.mark.parametrize(
    "options",
    [
        {"include": ()},
        {"newest": 0},
        {"include_from": (Path("requirements.txt"),)},
        {"exclude": ("a b",)},
        {"base_url": "mirror.example/tools/"},
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(options: dict[str, Any]) -> None:
    """Before anything is asked for."""
    with pytest.raises(ConfigurationError) as caught:
        chosen([], **options)

    assert caught.value.remedy


def test_dependencies_and_pull_through_are_not_had_together() -> None:
    """What a pulled project needs is pulled when a client asks for it."""
    options = PythonOptions(dependencies=True, python_versions=("3.11",), platforms=("win_amd64",))

    with pytest.raises(ConfigurationError, match="dependencies and pull_through are both set"):
        parse_selection(options, pull_through=True)


def test_dependencies_need_to_know_for_what() -> None:
    """Markers mean nothing without a Python and a platform."""
    with pytest.raises(ConfigurationError, match="needs python_versions and platforms"):
        parse_selection(PythonOptions(include=("a",), dependencies=True, python_versions=("3.11",)))
