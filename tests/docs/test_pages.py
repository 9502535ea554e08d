"""What the pages say is true of this checkout: files exist, links lead somewhere, code runs."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from pages import Block, Page, pages
from source_tree import ROOT

PATH_IN_CODE = re.compile(r"`((?:core|docs|examples|plugin_examples|tests)/[\w./-]+)`")
WAY_OF_A_UNIT = ROOT / "docs" / "explanation" / "the-way-of-a-unit.md"
SHOWN_NOT_RUN = {"console", "json", "sh", "text"}


def blocks(*languages: str) -> list[Block]:
    """Collect the code blocks of all pages that are in one of the languages."""
    return [block for page in pages() for block in page.blocks if block.language in languages]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.place)
def test_every_file_that_a_page_names_exists(page: Page) -> None:
    """A page that walks through the code is wrong the day a file is renamed; this says so."""
    missing = [name for name in PATH_IN_CODE.findall(page.text) if not (ROOT / name).exists()]

    assert missing == []


def test_the_way_of_a_unit_passes_by_every_stage() -> None:
    """Each stage that ships is a step of the way, told with its file."""
    told = WAY_OF_A_UNIT.read_text(encoding="utf-8")
    stages = [
        path for path in (ROOT / "core" / "entrepot" / "stages").glob("*.py") if path.stem not in ("__init__", "stage")
    ]

    assert stages
    assert [path.name for path in stages if path.relative_to(ROOT).as_posix() not in told] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.place)
def test_every_link_between_pages_leads_somewhere(page: Page) -> None:
    """A link to a file of the checkout names one that is there."""
    missing = [
        target
        for target in page.links
        if not (page.path.parent / target).exists()
        and "reference/generated" not in (page.path.parent / target).as_posix()
    ]

    assert missing == []


@pytest.mark.parametrize("page", [page for page in pages() if page.python], ids=lambda page: page.place)
def test_the_python_of_a_page_runs(page: Page) -> None:
    """The blocks of a page, one after the other, are a program; the tests among them pass."""
    names: dict[str, object] = {"__name__": page.path.stem}
    for block in page.python:
        exec(compile("\n" * block.line + block.text, str(page.path), "exec"), names)  # noqa: S102  (our own pages)

    for name, test in list(names.items()):
        if name.startswith("test_") and callable(test):
            test()


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_the_toml_of_a_page_can_be_read(block: Block) -> None:
    """What a reader copies into a file is TOML."""
    assert tomllib.loads(block.text)


def test_every_block_says_what_it_is_written_in() -> None:
    """A block without a language would be neither coloured nor checked."""
    known = SHOWN_NOT_RUN | {"python", "toml"}
    unknown = [
        str(block)
        for page in pages()
        for block in page.blocks
        if block.language not in known and not block.is_directive
    ]

    assert unknown == []


def test_the_readme_has_one_command_to_try_and_one_to_test() -> None:
    """Whoever comes here types one line to see it work, and one line to see that it works."""
    marked = [block for block in Page(ROOT / "README.md").blocks if block.mark.endswith(" command")]
    commands = [block.text.strip() for block in marked]

    assert len(commands) == 2
    assert [len(command.splitlines()) for command in commands] == [1, 1]
    assert (ROOT / commands[0].split()[0]).stat().st_mode & 0o100


def test_every_decision_is_in_the_index_and_says_why() -> None:
    """A decision without a reason, or that nobody finds, decides nothing."""
    folder = ROOT / "docs" / "decisions"
    decisions = [path for path in sorted(folder.glob("*.md")) if path.name[0].isdigit()]
    index = (folder / "index.md").read_text(encoding="utf-8")
    headings = ["## The question", "## The decision", "## Why", "## What else was weighed", "## What follows"]

    assert decisions
    assert [path.name for path in decisions if path.stem not in index] == []
    for path in decisions:
        found = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
        assert found == headings, path.name


def test_the_glossary_is_in_order_and_has_each_word_once() -> None:
    """A word is found where the alphabet says."""
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    words = [word for word, meaning in itertools.pairwise(lines) if meaning.startswith(": ")]

    assert words == sorted(set(words))


def test_pages_lie_where_the_design_says() -> None:
    """Learning, doing, understanding and looking up each have a folder."""
    assert {path.name for path in Path(ROOT / "docs").iterdir() if path.is_dir()} >= {
        "decisions",
        "explanation",
        "how-to",
        "reference",
        "tutorial",
    }
