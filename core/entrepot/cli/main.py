"""Where the program begins, and the one place that turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from entrepot.cli.closing import leave
from entrepot.cli.collecting import make_rounds_rare
from entrepot.cli.failures import tell
from entrepot.cli.invocation import Invocation
from entrepot.cli.logs import logs_on_stderr
from entrepot.cli.root import make_root
from entrepot.failpoints import armed_by
from entrepot.possessions import note_socket


def main() -> NoReturn:
    """Run the command line that the process was started with."""
    make_rounds_rare()
    _forget_archives_that_are_not_there()
    sys.addaudithook(note_socket)
    leave(run(sys.argv[1:], Invocation(environ=os.environ)))


def _forget_archives_that_are_not_there() -> None:
    """Spare importlib.metadata what opens archives: Python names one with its own library, which few have."""
    sys.path[:] = [place for place in sys.path if not place.endswith(".zip") or os.path.exists(place)]


def run(arguments: Sequence[str], invocation: Invocation) -> int:
    """Run one command line and return its exit code; errors are told on stderr."""
    with logs_on_stderr(invocation):
        try:
            with armed_by(invocation.environ):
                code = make_root().main(
                    list(arguments), prog_name="entrepot", obj=invocation, standalone_mode=False, max_content_width=100
                )
        except (Exception, KeyboardInterrupt) as error:
            return tell(error, debug=invocation.debug)
    return code if isinstance(code, int) else 0
