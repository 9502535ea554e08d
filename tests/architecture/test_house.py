"""The house around the code: environments, dependencies, and what must not be written down."""

from __future__ import annotations

import configparser
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from registry_hosts import registry_hosts
from source_tree import ROOT, Module, core_modules, example_folders, files, modules_below

TEXT_LIMIT = 1_000_000


def tox_environments() -> dict[str, configparser.SectionProxy]:
    """Read the sections of `tox.ini` that are environments."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((ROOT / "tox.ini").read_text(encoding="utf-8"))
    return {name: section for name, section in parser.items() if name.startswith("testenv")}


@pytest.mark.parametrize("name", sorted(tox_environments()))
def test_every_environment_says_what_it_is_for(name: str) -> None:
    """`tox list` answers what one would otherwise read the file for."""
    assert len(tox_environments()[name].get("description", "")) > len("run the tests")


@pytest.mark.parametrize("name", ["testenv", "testenv:lowest", "testenv:type", "testenv:plugins-py3{11,12,13,14}"])
def test_every_example_is_installed_tested_and_type_checked(name: str) -> None:
    """The environments take the examples as they are found: one that a list forgot would rot."""
    section = tox_environments()[name]

    assert "plugin_examples/*/" in section.get("commands_pre", "") + section["commands"]


@pytest.mark.parametrize("folder", example_folders(), ids=lambda folder: folder.name)
def test_every_example_says_what_its_tests_need(folder: Path) -> None:
    """Somebody who installs a wheel with `[test]` can run its tests, and lives on nobody else's dependencies."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert "entrepot[testing]" in project["optional-dependencies"]["test"]


@pytest.mark.parametrize("folder", [ROOT, *example_folders()], ids=lambda folder: folder.name)
def test_what_is_imported_is_declared(folder: Path) -> None:
    """A distribution asks for all that it imports, and never lives on another's dependencies."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [requirement for group in project.get("optional-dependencies", {}).values() for requirement in group]
    declared = {canonicalize_name(Requirement(text).name) for text in [*project.get("dependencies", []), *optional]}
    modules = core_modules() if folder == ROOT else modules_below(folder / "src")

    imported = distributions_imported_by(modules) - {canonicalize_name(project["name"])}

    assert imported - declared == set()


def distributions_imported_by(modules: list[Module]) -> set[str]:
    """Name the distributions that hold what the modules import."""
    providers = importlib.metadata.packages_distributions()
    own = {module.name.partition(".")[0] for module in modules}
    roots = {name.partition(".")[0] for module in modules for name in module.imports()} - own
    roots -= set(sys.stdlib_module_names)
    return {canonicalize_name(providers[root][0] if root in providers else root) for root in roots}


def test_no_registry_is_named_anywhere() -> None:
    """Which registry to use is the machine's business: it is asked at run time."""
    hosts = registry_hosts()
    if not hosts:
        pytest.skip("no package client on this machine says which registries it uses")
    named = re.compile(
        rb"(?<![\w-])(?:" + b"|".join(re.escape(host.encode()) for host in sorted(hosts)) + rb")(?![\w-])"
    )

    told = {path.relative_to(ROOT).as_posix() for path in files() if named.search(path.read_bytes()[:TEXT_LIMIT])}

    assert told == set()


def test_no_path_of_this_machine_is_written_down() -> None:
    """What works only where it was written does not work."""
    paths = {str(place) for place in (ROOT, Path.home(), Path(sys.prefix)) if len(place.parts) > 2}

    told = {
        path.relative_to(ROOT).as_posix()
        for path in files()
        if any(place.encode() in path.read_bytes()[:TEXT_LIMIT] for place in paths)
    }

    assert told == set()


def test_ci_runs_the_test_command_that_the_readme_gives() -> None:
    """`.ci/run` reads its command out of the README, so that the two cannot drift apart."""
    shown = subprocess.run([ROOT / ".ci" / "run", "--show"], capture_output=True, text=True, check=True, timeout=30)

    assert shown.stdout.strip() in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "tox" in shown.stdout
