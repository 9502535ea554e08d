"""Plugins that misbehave in every way we know: each harms its own sync alone, and is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from entrepot import builtin
from entrepot.depot import Depot, open_depot
from entrepot.hooks.manager import Plugins
from entrepot.settings import load
from entrepot.testing.invariants import check_depot
from integration import firmware
from plugins.sloppy.bench import Bench, Done
from plugins.sloppy.misbehaviours import AT_LOAD, ENDS_THE_PROCESS, HANGS_AT_LOAD, IN_A_SYNC, Misbehaviour

CASES = [
    pytest.param(name, case, id=name, marks=[] if case.everywhere else [pytest.mark.sweep])
    for name, case in IN_A_SYNC.items()
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A depot that is served all the while."""
    made = Bench(tmp_path_factory.mktemp("sloppy"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tried(bench: Bench) -> Iterator[Mapping[str, Future[Done]]]:
    """Syncs that every run of the tests tries, three at a time: most of what they take is waiting for a limit."""
    with ThreadPoolExecutor(3) as trying:
        yield {name: trying.submit(attempt, bench, name, case) for name, case in IN_A_SYNC.items() if case.everywhere}


def attempt(bench: Bench, name: str, case: Misbehaviour) -> Done:
    """Sync a repository of its own, with a plugin that misbehaves."""
    return bench.run(name.replace(" ", "-"), "sync", site=bench.install(name, sloppy=case.code), limits=case.limits)


@pytest.mark.fault("G01")
@pytest.mark.promise("P37")
def test_what_breaks_at_load_is_left_out_and_listed(bench: Bench) -> None:
    """All of them at once: the sync goes on without them, and `entrepot plugins` gives each one's reason."""
    names = {name: f"sloppy{number}" for number, name in enumerate(AT_LOAD)}
    site = bench.install("broken ones", **{names[name]: case.code for name, case in AT_LOAD.items()})

    done = bench.run("broken", "sync", site=site)
    listed = {line["name"]: line for line in bench.run("broken", "--json", "plugins", site=site).lines()}

    assert done.code == 0, done.err
    for name, case in AT_LOAD.items():
        assert listed[names[name]]["state"] == "broken", name
        assert case.says[0] in listed[names[name]]["reason"], name


@pytest.mark.fault("G04")
@pytest.mark.promise("P37")
def test_a_plugin_that_hangs_when_imported_ends_the_command_by_name(bench: Bench) -> None:
    """The remedy does: a blocked plugin is never imported."""
    site = bench.install("hanging", sloppy=HANGS_AT_LOAD.code)

    hung = bench.run("hanging", "sync", site=site, limits=HANGS_AT_LOAD.limits)
    blocked = bench.run("hanging", "--block", "sloppy", "sync", site=site, limits=HANGS_AT_LOAD.limits)

    assert hung.code == HANGS_AT_LOAD.ends
    for said in HANGS_AT_LOAD.says:
        assert said in hung.err
    assert blocked.code == 0, blocked.err


@pytest.mark.fault("D09")
@pytest.mark.promise("P37")
@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_plugin_that_misbehaves_ends_its_own_sync_by_name(
    bench: Bench, tried: Mapping[str, Future[Done]], name: str, case: Misbehaviour
) -> None:
    """Within its limit, with stage and plugin, for people and in the run's record."""
    done = tried[name].result() if name in tried else attempt(bench, name, case)

    assert done.code == case.ends, done.err
    for said in case.says:
        assert said in done.err
    assert not bench.failures
    if case.recorded:
        assert re.fullmatch("failed: .*plugin 'sloppy'.*", recorded(bench, name.replace(" ", "-")), re.DOTALL)


@pytest.mark.sweep
def test_a_plugin_that_ends_the_process_leaves_a_depot_that_the_next_sync_mends(bench: Bench) -> None:
    """That is no more than being killed; nobody is left to name it."""
    site = bench.install("ends the process", sloppy=ENDS_THE_PROCESS.code)

    died = bench.run("ended", "sync", site=site)
    after = bench.run("ended", "--block", "sloppy", "sync", site=site)

    assert (died.code, died.out) == (0, "")
    assert after.code == 0, after.err


@pytest.mark.fault("D09")
@pytest.mark.promise("P06")
def test_serving_goes_on_while_plugins_misbehave(bench: Bench, tried: Mapping[str, Future[Done]]) -> None:
    """No request failed, 99 of 100 took less than a second, and the depot is all that it promises to be."""
    for trying in tried.values():  # other tests may have been left out, or run in another process
        trying.result()

    after = bench.run("served", "sync")

    assert after.code == 0, after.err
    assert bench.failures == []
    assert bench.p99() < 1
    with opened(bench, "served") as depot:
        check_depot(depot)


@contextmanager
def opened(bench: Bench, repository: str) -> Iterator[Depot]:
    """The depot, in the test's own process."""
    settings = load(bench.configured(repository, {}), environ={})
    plugins = Plugins.load(builtin=builtin, extra=[("firmware", firmware)], installed=False)
    with open_depot(settings, plugins) as depot:
        yield depot


def recorded(bench: Bench, repository: str) -> str:
    """What the catalog says of a repository's last run."""
    with opened(bench, repository) as depot:
        run = depot.catalog.reader.last_run(repository)
    assert run is not None
    return f"{run.outcome}: {run.report.get('error')}"
