"""Errors as a person reads them, and the exit codes that go with them."""

from __future__ import annotations

import click
import pytest

from entrepot.cli.failures import tell
from entrepot.errors import (
    ConfigurationError,
    DepotError,
    EntrepotError,
    Failed,
    IntegrityError,
    Interrupted,
    UpstreamError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EntrepotError("no"), 1),
        (ConfigurationError("no"), 2),
        (UpstreamError("no"), 3),
        (IntegrityError("no"), 4),
        (DepotError("no"), 5),
        (Interrupted("no"), 130),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.UsageError("No."), 2),
        (Failed("a unit", IntegrityError("no")), 4),
        (Failed("a unit", ValueError("no")), 1),
        (ValueError("no"), 1),
        (ExceptionGroup("two", [UpstreamError("no"), IntegrityError("no")]), 4),
        (ExceptionGroup("nested", [ExceptionGroup("one", [DepotError("no")]), ValueError("no")]), 5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_the_exit_code_says_what_kind_of_error_it_was(error: BaseException, code: int) -> None:
    """Of several, the gravest."""
    assert tell(error, debug=False) == code


@pytest.mark.promise("P06")
def test_an_error_says_what_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, a line each."""
    tell(DepotError("the disk is full", "storage", "make room"), debug=False)

    assert capsys.readouterr() == ("", "error: the disk is full\n  where:  storage\n  remedy: make room\n")


def test_each_of_several_errors_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """However deep it was grouped."""
    inner = ExceptionGroup("inner", [UpstreamError("second")])

    tell(ExceptionGroup("outer", [UpstreamError("first"), inner]), debug=False)

    assert capsys.readouterr().err == "error: first\nerror: second\n"


def test_what_should_not_have_happened_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """With --debug it is shown; it is what a report needs."""

    def surprise() -> BaseException:
        try:
            raise ValueError("a surprise")
        except ValueError as error:
            return error

    tell(surprise(), debug=False)
    plain = capsys.readouterr().err
    tell(surprise(), debug=True)
    debug = capsys.readouterr().err

    assert plain.startswith("error: this should not have happened: ValueError: a surprise\n")
    assert "--debug" in plain
    assert "Traceback" not in plain
    assert "Traceback" in debug
    assert "def surprise" not in plain


@pytest.mark.fault("B16")
def test_what_an_upstream_wrote_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters are made visible."""
    tell(UpstreamError("line \x1b[2J\x07of a manifest\r"), debug=False)

    assert capsys.readouterr().err == "error: line \\x1b[2J\\x07of a manifest\\r\n"
