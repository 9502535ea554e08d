"""The list of all projects."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path

import pytest

from entrepot.plugin import InvalidMetadata
from entrepot_python.read_root import read_root


def names(text: str, *, is_json: bool = True) -> list[str]:
    """All names of a root page."""
    return [project.name for project in read_root(io.StringIO(text), is_json=is_json)]


def test_names_are_read_from_json_and_html() -> None:
    """Both forms give the same names, in the page's order."""
    as_json = {"meta": {"api-version": "1.4"}, "projects": [{"name": "b", "_last-serial": 7}, {"name": 'a"]}'}]}
    as_html = '<html><a href="/simple/b/">B</a><a href="a-c/">a.C</a><a href="../">up</a></html>'

    assert names(json.dumps(as_json)) == ["b", 'a"]}']
    assert names(as_html, is_json=False) == ["b", "a-c"]


@pytest.mark.parametrize(
    ("said", "serial"), [("7", 7), ("null", None), ('"7"', None), ("true", None), ("7.0", None), ("-1", -1)]
)
def test_the_count_of_changes_is_read_where_the_index_keeps_one(said: str, serial: int | None) -> None:
    """Anything else than a number says nothing."""
    (project,) = read_root(io.StringIO(f'{{"projects": [{{"name": "a", "_last-serial": {said}}}]}}'), is_json=True)

    assert project.serial == serial


def test_an_empty_index_has_no_projects() -> None:
    """No projects is an answer."""
    assert names('{"projects": []}') == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"projects": [{"name": "a"}',
        '{"projects": [{"name": "a"}, {"na',
        '{"projects": [{"name": 5}]}',
        '{"projects": [5]}',
        '{"projects": [{]}' + " " * 2_000_000,
        '{"projects": [' + '{"a":' * 100_000,
    ],
)
def test_a_page_that_breaks_off_is_invalid_metadata(text: str) -> None:
    """Half an index is not taken for a whole one: mirroring would remove the rest."""
    with pytest.raises(InvalidMetadata) as caught:
        names(text)

    assert caught.value.remedy


@pytest.mark.fault("B12")
@pytest.mark.promise("P27")
def test_a_large_index_is_not_held_in_memory(tmp_path: Path) -> None:
    """Reading 100,000 names takes less than a megabyte and a half, whatever the page's size."""
    page = tmp_path / "root.json"
    page.write_text(json.dumps({"projects": [{"name": f"project-{number}"} for number in range(100_000)]}))

    with page.open(encoding="utf-8") as file:
        tracemalloc.start()
        count = sum(1 for _ in read_root(file, is_json=True))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert count == 100_000
    assert peak < 1_500_000
