"""What every test may ask for."""

from __future__ import annotations

import os
import random
import re
import shlex
from collections.abc import Generator, Iterator

import pytest

import seeds
from postgres_server import PostgresServer, running_server
from temporary_files import VARIABLE, temporary_root

_SEED = re.compile(rf"^{seeds.NAME}=\d+$", re.MULTILINE)


def pytest_configure() -> None:
    """Say where temporary files are, before pytest makes the first."""
    os.environ[VARIABLE] = str(temporary_root())


@pytest.fixture(scope="session", autouse=True)
def _nobodys_depot() -> Iterator[None]:
    """Keep tests off the depot of whoever runs them, and loopback off their proxy."""
    ours = [name for name in os.environ if name.startswith("ENTREPOT_") and not name.startswith("ENTREPOT_TEST_")]
    with pytest.MonkeyPatch.context() as environment:
        for name in ours:
            environment.delenv(name)
        for name in ("NO_PROXY", "no_proxy"):
            environment.setenv(name, "127.0.0.1,localhost,::1")
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One real PostgreSQL server for the whole run, started when the first test asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database that this test alone uses."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def dice() -> random.Random:
    """Chance for a test that needs some: the same in each run, unless ENTREPOT_TEST_SEED says otherwise."""
    return seeds.seeded(20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell, of a test that failed and rolled dice, the one command that runs it again as it was."""
    report = yield
    told = _SEED.search(report.capstdout)
    if report.failed and (told or getattr(getattr(item, "obj", None), "is_hypothesis_test", False)):
        # hypothesis keeps what failed in its database, and tries it first.
        command = f"{told[0] if told else ''} python -m pytest {shlex.quote(item.nodeid)}".strip()
        report.sections.append(("repeat it with", command))
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave sweeps out, unless `-m` speaks of them: they take minutes."""
    if "sweep" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("sweep")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
