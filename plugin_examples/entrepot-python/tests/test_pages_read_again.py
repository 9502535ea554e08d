"""A page parsed and written again means the same, whatever an upstream says."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import InvalidMetadata
from entrepot.testing.strategies import a_few
from entrepot_python.content import PythonFile, PythonProject
from entrepot_python.filenames import version_of
from entrepot_python.project_page import ListedFile, ProjectPage
from entrepot_python.read_html import read_html
from entrepot_python.read_json import read_json
from entrepot_python.write_html import project_html
from entrepot_python.write_json import project_json
from entrepot_python.write_legacy import project_legacy

#: What markup is made of comes often; NUL and lone surrogates are no part of any page.
MARKUP = st.sampled_from("\"'<>&;#=%+?/ \t\r\n\u00a0\u2028") | st.sampled_from(["&amp;", "&lt", "-->", "</a>", "%2F"])
LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXT = st.lists(MARKUP | LETTERS, min_size=1, max_size=8).map("".join)
NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
HEX = st.text("0123456789abcdef", min_size=8, max_size=8)
HASHES = st.dictionaries(st.sampled_from(["sha256", "sha512", "blake2b", "md5"]), HEX, max_size=4)

FILES = st.builds(
    PythonFile,
    project=st.just("demo"),
    filename=NAMES.map(lambda name: f"{name}.whl") | st.integers(0, 3).map(lambda number: f"demo-{number}.zip"),
    hashes=HASHES,
    requires_python=st.none() | TEXT,
    yanked=st.booleans() | TEXT,
    size=st.none() | st.integers(0, 2**62),
    upload_time=st.none()
    | TEXT
    | st.sampled_from(["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "2024-01-01"]),
    core_metadata=st.none() | st.just(value=True) | st.dictionaries(st.just("sha256"), HEX, min_size=1),
    gpg_sig=st.none() | st.booleans(),
    provenance=st.none() | TEXT,
)
PROJECTS = st.builds(
    PythonProject,
    project=st.just("demo"),
    name=TEXT,
    versions=st.none() | st.lists(TEXT, max_size=3).map(tuple),
    status=st.none() | TEXT,
    status_reason=st.none() | TEXT,
    tracks=st.lists(TEXT, max_size=2).map(tuple),
    alternate_locations=st.lists(TEXT, max_size=2).map(tuple),
)


def said_of_files(page: ProjectPage) -> list[dict[str, Any]]:
    """Everything but where they are: a mirror keeps them elsewhere."""
    return [attrs.asdict(attrs.evolve(entry, url="")) for entry in page.entries if isinstance(entry, ListedFile)]


def listed(file: PythonFile, **changed: Any) -> dict[str, Any]:
    """A file as a page lists it."""
    said = attrs.asdict(file) | changed
    del said["project"], said["provenance_sha256"]
    return {**said, "url": ""}


def said_of_project(page: ProjectPage) -> tuple[object, ...]:
    """All that is not about a file and that both forms can say."""
    return page.status, page.tracks, page.alternate_locations


@pytest.mark.promise("P02")
@a_few(100)
@given(project=PROJECTS, files=st.lists(FILES, max_size=3))
def test_a_page_in_json_read_again_means_the_same(project: PythonProject, files: list[PythonFile]) -> None:
    """Whatever an upstream writes into any of its texts."""
    page = read_json(project_json(project, files))

    assert said_of_files(page) == [listed(file) for file in files]
    assert (page.name, page.versions) == (project.name, project.versions)
    assert said_of_project(page) == (project.status, project.tracks, project.alternate_locations)
    assert page.status_reason == (project.status_reason if project.status is not None else None)


@pytest.mark.promise("P02")
@a_few(100)
@given(project=PROJECTS, files=st.lists(FILES, max_size=3))
def test_a_page_in_html_read_again_means_the_same(project: PythonProject, files: list[PythonFile]) -> None:
    """But for sizes and times, which HTML does not know, and all digests but the best."""
    page = read_html(project_html(project, files))

    best = ("sha256", "sha512", "blake2b", "md5")
    kept = [{name: file.hashes[name] for name in best if name in file.hashes} for file in files]
    assert said_of_files(page) == [
        listed(file, size=None, upload_time=None, hashes=dict(list(hashes.items())[:1]))
        for file, hashes in zip(files, kept, strict=True)
    ]
    assert said_of_project(page) == (project.status, project.tracks, project.alternate_locations)
    assert page.status_reason == project.status_reason


@a_few(100)
@given(project=PROJECTS, files=st.lists(FILES, max_size=3))
def test_any_project_has_a_page_in_the_older_form(project: PythonProject, files: list[PythonFile]) -> None:
    """What an upstream writes ends no publication."""
    page = json.loads(project_legacy(project, files))

    listed = [each["filename"] for release in page["releases"].values() for each in release]
    assert sorted(listed) == sorted(file.filename for file in files if version_of(file.filename) is not None)


@pytest.mark.promise("P33")
@a_few(100)
@given(body=st.binary(max_size=200) | TEXT.map(str.encode))
def test_reading_anything_gives_a_page_or_our_error(body: bytes) -> None:
    """No other exception leaves the readers."""
    for read in (read_json, read_html):
        with suppress(InvalidMetadata):
            assert isinstance(read(body), ProjectPage)
