"""The collector's rounds are rare in a process of ours."""

from __future__ import annotations

import subprocess
import sys

ROUNDS = """
import gc
from entrepot.cli.collecting import leave_out_what_stays, make_rounds_rare

usual = gc.get_threshold()
make_rounds_rare()
assert gc.get_threshold()[0] >= 10 * usual[0], gc.get_threshold()
leave_out_what_stays()
assert gc.get_freeze_count() > 1000
assert gc.get_threshold()[0] >= 10 * usual[0], gc.get_threshold()
"""


def test_rounds_are_rare_and_pass_over_what_was_imported() -> None:
    """In a process of its own: ours goes on as it was."""
    subprocess.run([sys.executable, "-c", ROUNDS], check=True, timeout=60)
