"""All rules at once, on pages of any files."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from entrepot.testing.strategies import a_few
from entrepot_python.filenames import version_of
from entrepot_python.options import PythonOptions
from entrepot_python.project_page import ListedFile, ProjectPage
from entrepot_python.selection import Choice, parse_selection

DEMO = canonicalize_name("demo")

VERSIONS = st.sampled_from(["0.9", "1.0", "1.0.post1", "1.1rc1", "2.0", "2.0+cpu", "2.0+gpu", "3.0.dev1", "1!1"])
ENDS = st.sampled_from(
    [
        ".tar.gz",
        ".zip",
        "-py3.8.egg",
        "-py3-none-any.whl",
        "-cp311-cp311-win_amd64.whl",
        "-cp38-abi3-manylinux1_x86_64.whl",
    ]
)
FILES = st.builds(
    ListedFile,
    filename=st.tuples(VERSIONS, ENDS).map(lambda parts: f"demo-{''.join(parts)}"),
    url=st.just("x"),
    requires_python=st.sampled_from([None, ">=3.8", "<3.11", "nonsense"]),
    yanked=st.sampled_from([False, True, "bad"]),
    size=st.none() | st.integers(0, 20),
)
PAGES = st.builds(
    ProjectPage,
    name=st.just("demo"),
    entries=st.lists(FILES, max_size=12, unique_by=lambda file: file.filename).map(tuple),
    versions=st.none() | st.lists(VERSIONS, max_size=5, unique=True).map(tuple),
)


def some(*choices: str, least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """Up to two of these."""
    return st.lists(st.sampled_from(choices), min_size=least, max_size=2).map(tuple)


OPTIONS = st.builds(
    PythonOptions,
    include=some("*", "demo", "demo>=1", "d*==2.0", "demo==1.1rc1", least=1),
    exclude=some("other", "demo==1.0", "d*<1"),
    newest=st.none() | st.integers(1, 3),
    prereleases=st.booleans(),
    package_types=some("wheel", "sdist", "egg"),
    python_versions=some("3.11", "3.12"),
    platforms=some("win_*", "manylinux_2_28_x86_64"),
    max_size=st.none() | st.integers(0, 20),
)


def kept(page: ProjectPage, choice: Choice) -> ProjectPage:
    """The page as it would be published."""
    entries = [entry for entry, why in zip(page.entries, choice.left_out, strict=True) if why is None]
    return attrs.evolve(page, entries=tuple(entries), versions=choice.versions)


def releases(page: ProjectPage) -> list[Version]:
    """Which releases have a file, oldest first; builds of one release are one."""
    found = (version_of(entry.filename) for entry in page.entries)
    return sorted({Version(version.public) for version in found if version is not None})


@a_few(100)
@given(options=OPTIONS, page=PAGES)
def test_what_is_mirrored_is_mirrored_whole_by_the_same_rules(options: PythonOptions, page: ProjectPage) -> None:
    """A mirror of the mirror has what the mirror has: no rule counts what another left out."""
    selection = parse_selection(options)
    once = kept(page, selection.choose(DEMO, page))

    assert kept(once, selection.choose(DEMO, once)) == once


@a_few(100)
@given(options=OPTIONS, page=PAGES, newest=st.integers(1, 3))
def test_newest_takes_the_newest_of_what_the_other_rules_leave(
    options: PythonOptions, page: ProjectPage, newest: int
) -> None:
    """So many of them, where there are so many: none is counted that is not mirrored."""
    all_of_them, some_of_them = (
        releases(kept(page, parse_selection(each).choose(DEMO, page)))
        for each in (attrs.evolve(options, newest=None), attrs.evolve(options, newest=newest))
    )

    assert some_of_them == all_of_them[len(all_of_them) - len(some_of_them) :]
    assert len(some_of_them) >= min(newest, len(all_of_them))


@a_few(100)
@given(options=OPTIONS, page=PAGES)
def test_the_order_of_a_page_does_not_matter(options: PythonOptions, page: ProjectPage) -> None:
    """Nor does that of its versions."""
    selection = parse_selection(options)
    turned = attrs.evolve(page, entries=page.entries[::-1], versions=page.versions and page.versions[::-1])

    once, again = (kept(each, selection.choose(DEMO, each)) for each in (page, turned))

    assert again.entries == once.entries[::-1]
    assert again.versions == (once.versions and once.versions[::-1])


@a_few(100)
@given(options=OPTIONS, page=PAGES)
def test_no_rule_is_asked_where_none_is_written(options: PythonOptions, page: ProjectPage) -> None:
    """Every reason is of an option that somebody wrote, and speaks in one line."""
    for why in parse_selection(options).choose(DEMO, page).left_out:
        if why is not None:
            assert getattr(options, why.rule.replace("-", "_")) != getattr(PythonOptions(), why.rule.replace("-", "_"))
            assert "\n" not in why.reason + why.remedy
