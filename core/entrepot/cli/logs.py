"""Log lines on stderr, in the same hand as errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from entrepot.cli.invocation import Invocation


class _Stderr(logging.Handler):
    """Looks for stderr anew at each line: a live display stands in for it while it is shown."""

    def __init__(self, invocation: Invocation) -> None:
        super().__init__()
        self._invocation = invocation

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= (logging.DEBUG if self._invocation.debug else logging.WARNING):
            click.echo(f"{record.levelname.lower()}: {record.getMessage()}", err=True)
            if record.exc_info and self._invocation.debug:
                click.echo(logging.Formatter().formatException(record.exc_info), err=True)


@contextmanager
def logs_on_stderr(invocation: Invocation) -> Iterator[None]:
    """Show what entrepot and its plugins log: warnings, and with --debug everything, tracebacks too."""
    logger, handler = logging.getLogger("entrepot"), _Stderr(invocation)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
