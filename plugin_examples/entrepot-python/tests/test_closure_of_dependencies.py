"""What a project needs is mirrored with it, for each Python on each platform: neither more nor less."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from entrepot.testing import check_depot

OpenMirror = Callable[..., AbstractContextManager[Any]]

LINUX = {"python_versions": ("3.11",), "platforms": ("manylinux_2_28_x86_64",)}


def options(*include: str, **more: Any) -> dict[str, Any]:
    """What a closure needs to be told."""
    return {"include": include, "dependencies": True, **LINUX, **more}


def mirrored(mirror: Any, number: int | None = None) -> set[str]:
    """The files of a version."""
    rows = mirror.depot.catalog.reader.members("tools", number or mirror.latest())
    return {row.key.split('"')[-2] for row in rows if row.key.startswith('["python.file"')}


async def test_what_is_needed_comes_to_the_end_of_the_chain_and_nothing_else(
    universe: Any, open_mirror: OpenMirror
) -> None:
    """Markers that do not hold for the target, and extras that nobody asks for, bring nothing."""
    top = universe.add("top", "1.0", "middle>=2", 'winonly; sys_platform == "win32"', 'extra; extra == "more"')
    universe.add("middle", "1.0", "bottom")
    middle = universe.add("middle", "2.0", "bottom<3", 'old; python_version < "3.11"')
    bottom = universe.add("bottom", "2.9")
    for name, version in (("bottom", "3.0"), ("winonly", "1"), ("extra", "1"), ("old", "1"), ("stranger", "1")):
        universe.add(name, version)

    with open_mirror([], options=options("top")) as mirror:
        await mirror.sync()

        assert mirrored(mirror) == {top, middle, bottom}
        assert not check_depot(mirror.depot)


async def test_extras_are_followed_however_late_they_are_asked_for(universe: Any, open_mirror: OpenMirror) -> None:
    """A project is read before it is known that somebody wants an extra of it, which wants an extra itself."""
    wanted = {
        universe.add("top", "1", "a", "far"),
        universe.add("a", "1", 'plus; extra == "Big_One"'),
        universe.add("far", "1", "further"),
        universe.add("further", "1", "a[big-one]"),
        universe.add("plus", "1", "b[x]"),
        universe.add("b", "1", 'last; extra == "x"'),
        universe.add("last", "1"),
    }

    with open_mirror([], options=options("top")) as mirror:
        await mirror.sync()

        assert mirrored(mirror) == wanted


async def test_extras_can_be_asked_for(universe: Any, open_mirror: OpenMirror) -> None:
    """`include` takes what pip takes."""
    wanted = {universe.add("top", "2", 'socks; extra == "socks"'), universe.add("socks", "1")}
    universe.add("top", "1")

    with open_mirror([], options=options("top[socks]>=2")) as mirror:
        await mirror.sync()

        assert mirrored(mirror) == wanted


async def test_a_ring_of_projects_ends(universe: Any, open_mirror: OpenMirror) -> None:
    """Each needs the other, in versions that grow with every turn."""
    wanted = {universe.add("a", "1", "b<2"), universe.add("b", "1", "a<3"), universe.add("a", "2", "b<3")}
    wanted |= {universe.add("b", "2", "a==3"), universe.add("a", "3")}
    universe.add("b", "3")

    with open_mirror([], options=options("a==1")) as mirror:
        await mirror.sync()

        assert mirrored(mirror) == wanted


async def test_every_target_gets_what_it_needs(universe: Any, open_mirror: OpenMirror) -> None:
    """Of several Pythons and platforms the closure is the union."""
    wanted = {
        universe.add("top", "1", 'winonly; sys_platform == "win32"', 'old; python_full_version < "3.11.4"'),
        universe.add("winonly", "1"),
        universe.add("old", "1"),
        universe.add("top", "2", tag="cp312-cp312-win_amd64"),
    }
    universe.add("top", "2", tag="cp312-cp312-macosx_14_0_arm64")
    targets = {"python_versions": ("3.11", "3.12"), "platforms": ("manylinux_2_28_x86_64", "win_amd64")}

    with open_mirror([], options=options("top", **targets)) as mirror:
        await mirror.sync()

        assert mirrored(mirror) == wanted


async def test_newest_counts_for_each_that_asks_on_each_target(universe: Any, open_mirror: OpenMirror) -> None:
    """The newest that one may use need not be the newest of all, nor run everywhere."""
    universe.add("top", "1", "dep")
    wanted = {universe.add("top", "2", "dep<3", "dep>=1"), universe.add("dep", "2.5"), universe.add("dep", "4.0")}
    wanted.add(universe.add("dep", "5.0", tag="cp312-cp312-win_amd64"))
    universe.add("dep", "2.4")
    targets = {"python_versions": ("3.11", "3.12"), "platforms": ("manylinux_2_28_x86_64", "win_amd64")}

    with open_mirror([], options=options("top", newest=1, **targets)) as mirror:
        await mirror.sync()

        assert mirrored(mirror) == wanted


@pytest.mark.parametrize("policy", ["immediate", "on_demand", "streamed"])
async def test_metadata_is_read_wherever_it_is(universe: Any, open_mirror: OpenMirror, policy: str) -> None:
    """Beside the wheel, else in it, else in a source distribution that settles it; whatever the policy."""
    wanted = {
        universe.add("top", "1", "inside"),
        universe.add("inside", "1", "source", beside=False),
        universe.add_sdist("source", "1", "deep"),
        universe.add("deep", "1"),
    }

    with open_mirror([], options=options("top"), policy=policy) as mirror:
        await mirror.sync()

        assert mirrored(mirror) == wanted
        asked = universe.index.origin.requests
        assert not [each for each in asked if each.path.endswith("top-1-py3-none-any.whl")] or policy == "immediate"


async def test_what_cannot_be_known_is_remarked(universe: Any, open_mirror: OpenMirror) -> None:
    """A release that only a build could ask, one whose metadata is no metadata, and requirements that are none."""
    universe.add_sdist("top", "1", "never", says="2.1")
    universe.add_sdist("top", "2", "never", more="Dynamic: Requires-Dist")
    universe.add("top", "3", "there @ https://elsewhere.example/there.whl", "not a requirement !", "fine")
    universe.add("fine", "1")
    universe.serve("top", "top-4-py3-none-any.whl", b"no wheel at all")

    with open_mirror([], options=options("top")) as mirror:
        await mirror.sync()
        said = mirror.depot.catalog.reader.last_run("tools").report["remarks"]

        assert mirrored(mirror) == {
            "top-1.tar.gz",
            "top-2.tar.gz",
            "top-3-py3-none-any.whl",
            "top-4-py3-none-any.whl",
            "fine-1-py3-none-any.whl",
        }
        assert sorted((each["rule"], each["key"]) for each in said) == [
            ("dependency", '["python.project","fine"]'),
            ("unfollowed-requirement", '["python.project","top"]'),
            ("unfollowed-requirement", '["python.project","top"]'),
            ("unknown-requirements", '["python.file","top","top-1.tar.gz"]'),
            ("unknown-requirements", '["python.file","top","top-2.tar.gz"]'),
            ("unknown-requirements", '["python.file","top","top-4-py3-none-any.whl"]'),
        ]


async def test_it_is_told_what_was_asked_for_and_what_came_by_dependency(
    universe: Any, open_mirror: OpenMirror
) -> None:
    """And by whom, from what was asked for; and of what is left out as well."""
    universe.add("top", "1", "middle", "gone", "barred")
    universe.add("middle", "1", "bottom>=2")
    universe.add("bottom", "2")
    universe.add("bottom", "1")
    universe.add("barred", "1")

    with open_mirror([], options=options("top", exclude=("barred",))) as mirror:
        await mirror.sync()
        reader = mirror.depot.catalog.reader
        run = reader.last_run("tools")
        left_out = {row.key.split('"')[-2]: (row.rule, row.reason) for row in reader.refusals("tools", run.id)}
        await mirror.sync()
        again = reader.last_run("tools")

    assert {each["key"]: each["reason"] for each in run.report["remarks"]} == {
        '["python.project","middle"]': "it came by dependency: top 1 needs middle",
        '["python.project","bottom"]': "it came by dependency: top 1 needs middle, middle 1 needs bottom>=2",
    }
    assert again.outcome == "unchanged"
    assert again.report["remarks"] == run.report["remarks"]
    assert left_out == {
        "gone": ("missing-dependency", "the index has no such project, though top 1 needs gone"),
        "barred": ("exclude", "exclude names it, though top 1 needs barred"),
        "bottom-1-py3-none-any.whl": ("include", "it is version 1, and include and what it needs ask for >=2"),
    }


async def test_nothing_is_asked_for_twice(universe: Any, open_mirror: OpenMirror) -> None:
    """An unchanged closure costs one conditional question for each project, and no metadata."""
    universe.add("top", "1", "dep")
    universe.add("dep", "1")

    with open_mirror([], options=options("top")) as mirror:
        await mirror.sync()
        universe.index.origin.requests.clear()

        assert await mirror.sync() is None
        asked = sorted(each.path for each in universe.index.origin.requests)

    assert asked == ["/simple/dep/", "/simple/top/"]


async def test_metadata_of_a_known_file_is_not_fetched_again(universe: Any, open_mirror: OpenMirror) -> None:
    """A new release costs its own metadata alone."""
    universe.add("top", "1", "dep")
    universe.add("dep", "1")

    with open_mirror([], options=options("top"), policy="on_demand") as mirror:
        await mirror.sync()
        universe.index.origin.requests.clear()
        universe.add("top", "2", "dep")
        await mirror.sync()
        asked = sorted(each.path for each in universe.index.origin.requests)

    assert asked == ["/packages/top-2-py3-none-any.whl.metadata", "/simple/dep/", "/simple/top/"]


async def test_what_nobody_needs_any_more_goes(universe: Any, open_mirror: OpenMirror) -> None:
    """Projects, and versions of a project whose own page did not change."""
    universe.add("top", "1", "dep", "other==1")
    universe.add("dep", "1")
    other = universe.add("other", "1")
    second = universe.add("other", "2")
    universe.add("third", "1", "other==2")

    with open_mirror([], options=options("top", "third")) as mirror:
        await mirror.sync()
        before = mirrored(mirror)
        universe.index.pages["top"].clear()
        top = universe.add("top", "2")
        await mirror.sync()
        after = mirrored(mirror)

        assert {"dep-1-py3-none-any.whl", other, second} < before
        assert after == {top, "third-1-py3-none-any.whl", second}
        assert not check_depot(mirror.depot)


async def test_a_page_that_fails_keeps_what_it_needs(universe: Any, open_mirror: OpenMirror) -> None:
    """What the repository has of a project stays, and must go on being of use."""
    top, dep = universe.add("top", "1", "dep"), universe.add("dep", "1")

    with open_mirror([], options=options("top"), on_error="keep") as mirror:
        await mirror.sync()
        universe.index.serve("/simple/top/", {"no": "page"})
        universe.add("dep", "2")
        await mirror.sync()

        assert mirrored(mirror) == {top, dep, "dep-2-py3-none-any.whl"}


async def test_a_page_about_another_project_brings_nothing(universe: Any, open_mirror: OpenMirror) -> None:
    """Its files would be somebody else's."""
    universe.add("top", "1", "dep")
    universe.add("dep", "1")
    universe.index.write("dep", name="evil")

    with open_mirror([], options=options("top"), on_error="skip") as mirror:
        await mirror.sync()

        assert mirrored(mirror) == {"top-1-py3-none-any.whl"}
