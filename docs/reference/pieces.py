"""Pieces of Markdown that the reference pages are put together from."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path

import entrepot


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Draw a table; what would break a row is written so that it does not."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Mark a word as code."""
    return f"`{text}`"


def codes(words: Iterable[str]) -> str:
    """Mark several words as code, in order."""
    return ", ".join(code(word) for word in sorted(words))


def summary(thing: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def details(thing: object) -> str:
    """What a docstring says after its first paragraph."""
    return (inspect.getdoc(thing) or "").partition("\n\n")[2]


def place(thing: type) -> str:
    """The file that a class is written in, as seen from the root of the checkout."""
    root = Path(entrepot.__file__).parent
    return code("core/entrepot/" + Path(inspect.getfile(thing)).relative_to(root).as_posix())


def page(title: str, *parts: str) -> str:
    """Put a page together."""
    return "\n\n".join([f"# {title}", *(part.strip("\n") for part in parts if part.strip())]) + "\n"
