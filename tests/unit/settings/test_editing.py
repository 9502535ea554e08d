"""Changing the configuration's text."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from entrepot.errors import ConfigurationError
from entrepot.failpoints import arm
from entrepot.settings.editing import new_file, read_value, repository_table, with_repository, write
from entrepot.settings.reading import parse

WRITTEN = """\
# Our mirrors.  Ask Ada before changing.
[depot]
home   =   "data"     # on the big disk

[repositories.tools]  # for everybody
type = "python"
"""


def test_a_repository_is_added_and_all_else_stays_to_the_letter() -> None:
    """Comments, order and spaces are somebody's work."""
    table = {"type": "file", "url": "https://a.example/", "options": {"include": ["x"]}}

    text = with_repository(WRITTEN, "firmware", table, where="entrepot.toml")

    assert text.startswith(WRITTEN)
    added = parse(text, file=None, environ={}).repository("firmware")
    assert (added.type, added.url, added.options) == ("file", "https://a.example/", {"include": ["x"]})


def test_adding_to_a_file_without_repositories_makes_their_table() -> None:
    """The first one is added as the tenth is."""
    text = with_repository(new_file(None, usual=Path("/home/ada/there")), "a", {"type": "file"}, where="entrepot.toml")

    assert "[repositories.a]" in text
    assert "[repositories]\n" not in text
    assert list(parse(text, file=None, environ={}).repositories) == ["a"]


def test_a_repository_is_not_added_twice() -> None:
    """What stands there may have been changed by hand."""
    with pytest.raises(ConfigurationError, match="'tools' is configured already") as caught:
        with_repository(WRITTEN, "tools", {"type": "file"}, where="entrepot.toml")

    assert caught.value.where == "entrepot.toml, repositories.tools"


@pytest.mark.parametrize("text", ["[depot", "repositories = 5"])
def test_a_file_that_is_wrong_already_is_not_changed(text: str) -> None:
    """Nothing is added to what cannot be read."""
    with pytest.raises(ConfigurationError):
        with_repository(text, "a", {"type": "file"}, where="entrepot.toml")


def test_a_new_file_is_a_configuration() -> None:
    """With home written down only where somebody asked for it."""
    plain = parse(new_file(None, usual=Path("/home/ada/there")), file=None, environ={"HOME": "/home/ada"})
    asked = parse(new_file(Path('/a "b"'), usual=Path("/home/ada")), file=None, environ={})

    assert plain.home == Path("/home/ada/.local/share/entrepot")
    assert '# home = "/home/ada/there"' in new_file(None, usual=Path("/home/ada/there"))
    assert asked.home == Path('/a "b"')


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("true", True),
        ('["a", "b"]', ["a", "b"]),
        ('{ env = "X" }', {"env": "X"}),
        ("on_demand", "on_demand"),
        ("7d", "7d"),
        ("", ""),
        ("a=b", "a=b"),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_a_value_is_toml_or_else_text(text: str, value: object) -> None:
    """Quotes are needed only where TOML would read something else; one value is one value."""
    assert read_value(text) == value


def test_assignments_reach_into_tables() -> None:
    """Keys that only the type knows are its options."""
    table = repository_table(
        {"type": "python", "url": None},
        ["concurrency=5", 'include=["*"]', "options.depth=2", "plugins.cooldown.min_age=7d", "headers.A=b=c"],
    )

    assert table == {
        "type": "python",
        "concurrency": 5,
        "options": {"include": ["*"], "depth": 2},
        "plugins": {"cooldown": {"min_age": "7d"}},
        "headers": {"A": "b=c"},
    }


@pytest.mark.parametrize("assignments", [["x"], ["=5"], ["a..b=5"], ["mirror=true", "mirror=false"], ["type.x=5"]])
def test_an_assignment_that_makes_no_sense_is_refused(assignments: list[str]) -> None:
    """The remedy shows one that does."""
    with pytest.raises(ConfigurationError) as caught:
        repository_table({"type": "python"}, assignments)

    assert caught.value.where.startswith("--set")
    assert caught.value.remedy


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    """Whoever reads meanwhile sees the old text or the new; nothing is left lying about."""
    file = tmp_path / "entrepot.toml"
    file.write_text("old")
    file.chmod(0o600)

    write(file, "new")

    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.fault("C01")
def test_what_a_killed_change_left_is_used_up_by_the_next(tmp_path: Path) -> None:
    """It is a copy that may hold secrets: it neither stays behind, nor gets into what is written next."""
    file = tmp_path / "entrepot.toml"
    (tmp_path / ".entrepot.toml.new").write_text("half of a text that was longer than the next")

    write(file, "new")

    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.fault("C05")
@pytest.mark.parametrize("point", ["settings.create", "settings.sync", "settings.replace"])
def test_a_change_that_fails_leaves_the_file_as_it_was(point: str, tmp_path: Path) -> None:
    """Without room, or on a disk that fails: the old text, and nothing beside it."""
    file = tmp_path / "entrepot.toml"
    file.write_text("old")

    with pytest.raises(ConfigurationError, match="No space left"), arm(f"{point}=disk-full"):
        write(file, "new")

    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_changes_at_once_are_each_whole(tmp_path: Path) -> None:
    """Writers take turns at the one file beside it; the last one's text stands, and none is mixed."""
    file = tmp_path / "entrepot.toml"
    texts = [str(number) * 10_000 for number in range(8)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda text: write(file, text), texts))

    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the place, and how to look at it."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="cannot be written"):
        write(tmp_path / "file" / "entrepot.toml", "new")
