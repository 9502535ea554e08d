"""The tutorial's code is what `entrepot new-plugin` writes, is as short as it says, and works as it says."""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
import tokenize
from pathlib import Path
from types import ModuleType

import pytest

from entrepot.operations.new_plugin import new_plugin
from pages import Page
from shell import Shell
from source_tree import ROOT

PAGE = Page(ROOT / "docs" / "tutorial" / "first-plugin.md")
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution that the tutorial lets its reader write."""
    folder = tmp_path_factory.mktemp("tutorial")
    return new_plugin("entrepot-firmware", kind="content", into=folder, license_expression="Apache-2.0")


def on_the_page(*, is_run: bool) -> str:
    """The Python of the page, as one file."""
    blocks = [block.text.strip() for block in PAGE.blocks if block.language == "python" and block.is_run == is_run]
    return "\n\n\n".join(blocks) + "\n"


def lines_of_code(source: str) -> int:
    """Count the lines that are neither empty, nor comment, nor docstring."""
    found = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.end_lineno is not None:
            found -= set(range(node.lineno, node.end_lineno + 1))
    return len(found)


def test_the_code_on_the_page_is_the_code_that_is_written(written: Path) -> None:
    """A reader sees on the page what lies before them; what is written is tested in a distribution of its own."""
    plugin = written / "src" / "entrepot_firmware" / "plugin.py"

    assert on_the_page(is_run=True) == plugin.read_text(encoding="utf-8")
    assert on_the_page(is_run=False) == (written / "tests" / "test_plugin.py").read_text(encoding="utf-8")


def test_a_content_type_takes_sixty_lines_and_its_tests_thirty(written: Path) -> None:
    """Content, first stage and publisher, and every contract there is for them; no migration."""
    assert lines_of_code(on_the_page(is_run=True)) <= 60
    assert lines_of_code(on_the_page(is_run=False)) <= 30
    assert [path for path in written.rglob("*") if "migrat" in path.name] == []


def test_counting_leaves_out_what_is_no_code() -> None:
    """Else a docstring would be saved on, or a long one would hide code."""
    source = '"""Two\nlines."""\n# why\nx = """a\nb"""\n\n\ndef f():\n    """Say."""\n    return (\n        x\n    )\n'

    assert lines_of_code(source) == 6


def test_what_the_reader_types_does_what_the_page_says(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two syncs, two versions, and a difference; installing with pip and running pytest are tried elsewhere."""
    monkeypatch.chdir(tmp_path)
    shell = Shell(tmp_path, capsys)
    shell.plugins = [("firmware", module_of(written))]

    said = [type_line(line, shell) for block in PAGE.blocks if block.language == "sh" for line in lines(block.text)]
    changed, stages = said[-2:]

    assert (tmp_path / "entrepot-firmware" / "pyproject.toml").exists()
    assert "router.bin" in changed
    assert "ReadFeed" in stages


def lines(text: str) -> list[str]:
    """Whole commands, also those that go over two lines."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line]


def type_line(line: str, shell: Shell) -> str:
    """Let a shell make the words of a line, and run it; return what was said."""
    if line.startswith(("pip ", "pytest ")):
        return ""
    if not line.startswith("entrepot "):
        subprocess.run(["bash", "-ec", line], cwd=shell.folder, check=True, timeout=60)
        return ""
    words = subprocess.run(
        ["bash", "-ec", f"printf '%s\\0' {line}"],
        cwd=shell.folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split("\0")[1:-1]
    done = shell(*words)
    assert done.code == 0, f"{line}\n{done.err}"
    return done.out


def module_of(written: Path) -> ModuleType:
    """Import what was written, under a name that nobody else has."""
    place = written / "src" / "entrepot_firmware" / "plugin.py"
    spec = importlib.util.spec_from_file_location("tutorial_firmware", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
