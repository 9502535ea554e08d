"""`entrepot new-plugin`: what it writes works as it stands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from entrepot.errors import ConfigurationError, DepotError, UnknownName
from entrepot.operations.new_plugin import KINDS, distribution_name, new_plugin, requirement
from source_tree import ROOT

#: Tests of each kind that are run every time; a sweep runs all of them.
TRIED = ("can_be_mirrored", "goes_without_large_files", "goes_out_once", "names_a_file", "read_back_whole")


def begun(folder: Path, kind: str, name: str = "") -> Path:
    """Begin a plugin of a kind, named for it."""
    return new_plugin(name or f"entrepot-my{kind}", kind=kind, into=folder, license_expression="MIT")


def ran(*command: str, folder: Path, path: str = "") -> str:
    """Run a command in a folder; what it says when it fails is told."""
    environ = {**os.environ, "PYTHONPATH": path} if path else {**os.environ}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def importable(*folders: Path) -> str:
    """Where Python looks that has these distributions: beside this one's path."""
    return os.pathsep.join([*(str(folder / "src") for folder in folders), *sys.path])


def lines_of(file: Path) -> list[str]:
    """Its lines, without blank ones."""
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def installed(folder: Path) -> Path:
    """Note beside the source what an installer notes: name, version and entry points."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        + "".join(f"Requires-Dist: {line}\n" for line in project["dependencies"])
    )
    points = "".join(f"{name} = {module}\n" for name, module in project["entry-points"]["entrepot"].items())
    (info / "entry_points.txt").write_text(f"[entrepot]\n{points}")
    return folder


@pytest.mark.slow
def test_plugins_pass_their_own_tests_before_a_line_is_changed(tmp_path: Path) -> None:
    """With their own configuration, warnings as errors; promises of each contract among them."""
    folders = [begun(tmp_path, kind) for kind in KINDS]
    configured, tried = str(folders[0] / "pyproject.toml"), " or ".join(TRIED)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]

    said = ran(
        *command, "-c", configured, "-k", tried, "-rA", *map(str, folders), folder=tmp_path, path=importable(*folders)
    )

    passed = {line.split("::")[0] for line in said.splitlines() if line.startswith("PASSED")}
    assert passed == {f"PASSED entrepot-my{kind}/tests/test_plugin.py" for kind in KINDS}
    assert "skipped" not in said


def test_plugins_of_every_kind_are_listed_side_by_side(tmp_path: Path) -> None:
    """With version, hooks, what they bring, and their stages."""
    folders = [installed(begun(tmp_path, kind)) for kind in KINDS]

    said = ran(sys.executable, "-m", "entrepot", "--json", "plugins", folder=tmp_path, path=importable(*folders))
    listed = {line["name"]: line for line in map(json.loads, said.splitlines())}

    for kind in KINDS:
        line = listed[f"my{kind}"]
        assert (line["state"], line["version"], line["distribution"]) == ("active", "0.1.0", f"entrepot-my{kind}")
    assert listed["mystage"]["hooks"] == ["entrepot_edit_plan"]
    assert listed["mystage"]["stages"] == ["LeaveOutLarge"]
    assert listed["mycontent"]["content_types"] == ["mycontent.entry"]
    assert listed["mycontent"]["repository_types"] == ["mycontent"]
    assert listed["mycontent"]["stages"] == ["ReadFeed"]
    assert listed["mypublisher"]["publishers"] == ["mypublisher"]
    assert listed["mystorage"]["storages"] == ["mystorage"]


def test_a_content_type_takes_sixty_lines_and_its_test_thirty(tmp_path: Path) -> None:
    """First stage and publisher included: it is what the tutorial walks through."""
    folder = begun(tmp_path, "content")

    assert len(lines_of(folder / "src" / "entrepot_mycontent" / "plugin.py")) <= 60
    assert len(lines_of(folder / "tests" / "test_plugin.py")) <= 30


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", "entrepot-z", "entrepot-a-plugin-with-quite-a-long-name"])
def test_a_linter_has_nothing_to_say_whatever_the_name(tmp_path: Path, kind: str, name: str) -> None:
    """Names stand in lines and in lists that are in order: neither may grow too long, nor fall out of order."""
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not on this machine")
    folder = begun(tmp_path, kind, name)

    ran(ruff, "check", "--no-cache", folder=folder)
    ran(ruff, "format", "--check", "--no-cache", folder=folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_says_what_an_installer_needs_to_know(tmp_path: Path, kind: str) -> None:
    """Licence, Pythons, the entrepot it was written for, and its entry point; every file it names is there."""
    folder = begun(tmp_path, kind, "Acme.Mirror")

    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert (project["name"], project["license"], project["requires-python"]) == ("acme-mirror", "MIT", ">=3.11")
    assert re.fullmatch(r"entrepot(>=[\w.]+,<[\d.]+)?", project["dependencies"][1])
    assert project["entry-points"]["entrepot"] == {"acme-mirror": "acme_mirror.plugin"}
    assert (folder / project["readme"]).is_file()
    assert {"tox.ini", ".gitignore", "tests"} < {entry.name for entry in folder.iterdir()}
    assert (folder / "src" / "acme_mirror" / "py.typed").read_text() == ""


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ("0.1.0.dev0", "entrepot>=0.1.0.dev0,<0.2"),
        ("1.4.2", "entrepot>=1.4.2,<2"),
        ("2.0+local", "entrepot>=2.0,<3"),
        (None, "entrepot"),
    ],
)
def test_a_plugin_asks_for_what_it_was_written_for(version: str | None, asked: str) -> None:
    """Nothing is taken away within a major version, and before 1.0 within a minor one."""
    assert requirement(version) == asked


@pytest.mark.parametrize(
    ("name", "written"), [("Entrepot_Firmware", "entrepot-firmware"), ("acme..mirror", "acme-mirror"), ("x1", "x1")]
)
def test_names_are_written_as_package_indexes_compare_them(name: str, written: str) -> None:
    """Whoever looks for it under another spelling finds it."""
    assert distribution_name(name) == written


@pytest.mark.parametrize(
    "name",
    [
        "", "-a", "a b", "../a", "a/b", "ünï", "3d", "entrepot-3d", "class", "json", "tests", "entrepot", "entrepot-",
        "entrepot-builtin", "builtin", "a" * 41, "a\n", '"',
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_used_is_refused_with_one_that_can(name: str) -> None:
    """Before a file is written."""
    with pytest.raises(ConfigurationError) as told:
        distribution_name(name)

    suggested = told.value.remedy.removeprefix("for instance: entrepot new-plugin ")
    assert distribution_name(suggested) == suggested


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Neither a folder, nor a file, nor a link that leads nowhere."""
    for name in ("folder", "file", "link"):
        place = tmp_path / f"my-{name}"
        match name:
            case "folder":
                place.mkdir()
            case "file":
                place.write_text("mine")
            case "link":
                place.symlink_to(tmp_path / "nowhere")

        with pytest.raises(ConfigurationError, match="is there already") as told:
            begun(tmp_path, "stage", f"my-{name}")

        assert "--into DIR" in told.value.remedy
    assert (tmp_path / "my-file").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_misspelt_is_told(tmp_path: Path) -> None:
    """The kind with the nearest one, the licence with an example."""
    with pytest.raises(UnknownName, match="did you mean 'content'"):
        begun(tmp_path, "contents")
    with pytest.raises(ConfigurationError, match="no licence expression") as told:
        new_plugin("a", kind="stage", into=tmp_path, license_expression="free as in beer")

    assert "--license MIT" in told.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """In our words, with what to do."""
    (tmp_path / "file").write_text("")

    with pytest.raises(DepotError, match="cannot be written") as told:
        begun(tmp_path / "file", "stage")

    assert "--into DIR" in told.value.remedy


@pytest.mark.sweep
@pytest.mark.slow
def test_a_plugin_is_green_in_a_clean_environment(tmp_path: Path) -> None:
    """With entrepot from its wheel: installed, tested whole, linted and type-checked, all kinds in one environment."""
    ran(sys.executable, "-m", "venv", "clean", folder=tmp_path)
    tools = tmp_path / "clean" / "bin"
    pip = [str(tools / "python"), "-m", "pip", "install", "--quiet"]
    reached = subprocess.run([*pip, "hatchling"], cwd=tmp_path, capture_output=True, text=True, check=False)
    if reached.returncode:
        pytest.skip(f"pip reaches no index from here: {reached.stderr.strip()[-200:]}")
    ran(*pip, f"{ROOT}[testing]", folder=tmp_path)

    for kind in KINDS:
        ran(str(tools / "entrepot"), "new-plugin", f"entrepot-my{kind}", "--kind", kind, folder=tmp_path)
        folder = tmp_path / f"entrepot-my{kind}"
        ran(*pip, "-e", ".[test,lint,type]", folder=folder)
        assert "passed" in ran(str(tools / "pytest"), "-q", folder=folder)
        ran(str(tools / "ruff"), "check", folder=folder)
        ran(str(tools / "ruff"), "format", "--check", folder=folder)
        ran(str(tools / "mypy"), folder=folder)

    said = ran(str(tools / "entrepot"), "plugins", folder=tmp_path)
    assert "mystage brings stages LeaveOutLarge" in said
