"""The page of clients is written by tests that are here."""

from __future__ import annotations

import re

from client_matrix import PAGE, Tried, page
from source_tree import EXAMPLES, ROOT, modules_below

_TEST = re.compile(r"^- `(?P<file>\S+)::(?P<test>\w+)`$", re.MULTILINE)


def test_each_test_that_is_named_is_there_and_tells_what_it_tried() -> None:
    """And each test file that tells it is named: a client that is tried is in the page."""
    named = {(found["file"], found["test"]) for found in _TEST.finditer(PAGE.read_text())}

    telling = {
        str(module.path.relative_to(ROOT))
        for example in sorted(EXAMPLES.glob("*/tests"))
        for module in modules_below(example)
        if '"tried"' in module.path.read_text()
    }
    assert {file for file, _ in named} == telling
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text()


def test_what_was_tried_stands_in_a_table_of_its_client() -> None:
    """A row for each state of the mirror, a column for each thing done; what was not tried is blank."""
    tried = [
        Tried("pip", "1", "by date", "install", "a::test_a"),
        Tried("pip", "1", "immediate", "lock", "a::test_a"),
        Tried("uv", "2", "immediate", "install", "a::test_b"),
    ]

    written = page(tried, "2026-01-02")

    assert "passed on 2026-01-02" in written
    assert "## pip 1\n\n|  | install | lock |\n| --- | --- | --- |\n" in written
    assert "| by date | yes |  |\n| immediate |  | yes |\n\n- `a::test_a`\n" in written
    assert "## uv 2\n\n|  | install |\n| --- | --- |\n| immediate | yes |\n\n- `a::test_b`\n" in written
