"""The pages of the checkout as their tests read them: links, and code blocks with their place."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from source_tree import ROOT, files

_FENCE = re.compile(r"^(?P<fence>```+)(?P<info>\S*)\s*$")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_MARK = re.compile(r"^<!-- (?P<text>.+) -->$")


@attrs.frozen
class Block:
    """A code block: its language, its text, the line it begins on, and the comment right before it."""

    page: str
    line: int
    language: str
    text: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_directive(self) -> bool:
        """Whether Sphinx reads it as an instruction, not as code."""
        return self.language.startswith("{")

    @property
    def is_run(self) -> bool:
        """Whether nobody wrote `<!-- not run: the reason -->` before it."""
        return not self.mark.startswith("not run: ")


@attrs.frozen
class Page:
    """One page of Markdown."""

    path: Path

    @property
    def place(self) -> str:
        """The path from the root of the checkout."""
        return self.path.relative_to(ROOT).as_posix()

    @functools.cached_property
    def text(self) -> str:
        """The page as it was written."""
        return self.path.read_text(encoding="utf-8")

    @property
    def links(self) -> list[str]:
        """The targets of links into the checkout, without what stands behind a `#`."""
        targets = (urlsplit(target) for target in _LINK.findall(self.text))
        return [target.path for target in targets if not target.scheme and target.path]

    @functools.cached_property
    def blocks(self) -> list[Block]:
        """The code blocks, in order."""
        found, lines = [], self.text.splitlines()
        number = 0
        while number < len(lines):
            opened = _FENCE.match(lines[number])
            if opened:
                end = lines.index(opened["fence"], number + 1)
                mark = _MARK.match(lines[number - 1]) if number else None
                text = "\n".join(lines[number + 1 : end]) + "\n"
                found.append(Block(self.place, number + 1, opened["info"], text, mark["text"] if mark else ""))
                number = end
            number += 1
        return found

    @property
    def python(self) -> list[Block]:
        """The blocks that are a program together."""
        return [block for block in self.blocks if block.language == "python" and block.is_run]


@functools.cache
def pages() -> list[Page]:
    """Every page that is written by hand."""
    return [Page(path) for path in files(ROOT) if path.suffix == ".md"]
