"""Results on stdout, as JSON lines alone or as text for people; progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import click


class Form(Protocol):
    """In what form results are asked for."""

    @property
    def json(self) -> bool:
        """For programs."""

    @property
    def debug(self) -> bool:
        """With tracebacks."""


class Output:
    """Says things once, in the form that was asked for."""

    def __init__(self, form: Form) -> None:
        self.is_json, self.debug = form.json, form.debug

    def line(self, values: Mapping[str, Any]) -> None:
        """One JSON line, for programs alone."""
        if self.is_json:
            text = json.dumps(values, ensure_ascii=False, default=str)
            click.echo(text.encode(errors="replace").decode())  # an upstream's text need not be Unicode

    def say(self, text: str) -> None:
        """A line for people alone."""
        if not self.is_json:
            click.echo(text)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> None:
        """Aligned columns for people alone; those in `right` are numbers."""
        if self.is_json:
            return
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in [list(heads), *cells]) for column in range(len(heads))]
        numbers = set(right)
        for row in [list(heads), *cells]:
            aligned = [
                cell.rjust(width) if column in numbers else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            click.echo("  ".join(aligned).rstrip())


def note(text: str) -> None:
    """A line of progress on stderr, beside the results; when nobody reads it any more, work goes on."""
    try:
        click.echo(text, err=True)
    except BrokenPipeError:
        _speak_to_nobody()


def _speak_to_nobody() -> None:
    """Let stderr lead nowhere, or what it still holds would fail the program's end."""
    with suppress(OSError, ValueError):  # a stderr that is no file needs nothing
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def one_line(value: object, longest: int = 100) -> str:
    """A value of a statement in one line, cut short; what a terminal would obey is made visible."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    shown = visible(text.replace("\n", "\\n"))
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def visible(text: str) -> str:
    """Make what a terminal would obey readable instead; lines stay lines."""
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)
