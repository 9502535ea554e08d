"""Which clients did what against a mirror, told by the tests that ran; writes their page.

    python tests/client_matrix.py

runs the tests of clients, those of every example, and writes what passed. A test says what it had a
client do by `record_property("tried", [client, version, situation, action])`. What is not here (an
old pip, a peer) is not in the page, so it is written where everything is.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator, Sequence
from pathlib import Path

import attrs
import pytest

from source_tree import EXAMPLES, ROOT

PAGE = ROOT / "docs" / "reference" / "clients.md"

#: Names the file that what passed is added to, a line each.
VARIABLE = "ENTREPOT_TEST_TRIED"

_HEAD = """\
# Clients that were tried

Written by `python tests/client_matrix.py` from the tests that passed on {day}: real clients, installing from a mirror
on loopback. A client that is not here was not tried.
"""


@attrs.frozen(order=True)
class Tried:
    """Something that a client did, and the test that had it do it."""

    client: str
    version: str
    situation: str
    action: str
    test: str


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what a test that passed had clients do."""
    report = yield
    if report.when == "call" and report.passed:
        with Path(os.environ[VARIABLE]).open("a") as lines:
            for name, value in report.user_properties:
                if name == "tried":
                    test = item.nodeid.partition("[")[0]
                    lines.write(json.dumps([*map(str, value if isinstance(value, list) else []), test]) + "\n")
    return report


def ran() -> list[Tried]:
    """Run the tests of clients; what passed."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "tried"
        lines.touch()
        path = os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
        for example in sorted(EXAMPLES.glob("*/")):
            command = [sys.executable, "-m", "pytest", "-q", "-p", "client_matrix", "-m", "clients", str(example)]
            done = subprocess.run(command, env={**os.environ, VARIABLE: str(lines), "PYTHONPATH": path}, check=False)
            if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                sys.exit(f"tests of clients failed in {example.name}: the page is left as it was")
        return sorted({Tried(*json.loads(line)) for line in lines.read_text().splitlines()})


def page(tried: Sequence[Tried], day: str) -> str:
    """Write a table for each client: what it did, in which state of the mirror."""
    parts = [_HEAD.format(day=day)]
    clients: dict[str, list[Tried]] = defaultdict(list)
    for one in tried:
        clients[one.client].append(one)
    for client, own in clients.items():
        actions = sorted({one.action for one in own})
        did = {(one.situation, one.action) for one in own}
        versions = ", ".join(sorted({one.version for one in own}))
        rows = [["", *actions], ["---"] * (len(actions) + 1)]
        for situation in sorted({one.situation for one in own}):
            rows.append([situation, *("yes" if (situation, action) in did else "" for action in actions)])
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        tests = "\n".join(f"- `{test}`" for test in sorted({one.test for one in own}))
        parts.append(f"## {client} {versions}\n\n{table}\n\n{tests}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(ran(), datetime.datetime.now(datetime.UTC).date().isoformat()))
    sys.stdout.write(f"{PAGE}\n")
