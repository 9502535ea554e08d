"""Stages of three hands, installed together: one plan, whoever came first, and each can be left out."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import json
import os
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from entrepot.operations.stages import stages
from entrepot.testing import BadOrigin, Reply, depot, sync
from installed_plugins import importable
from source_tree import EXAMPLES

#: What a repository says so that each of them takes part.
SAID: dict[str, dict[str, Any]] = {
    "cooldown": {"min_age": "30d"},
    "licenses": {"allow": ["MIT"]},
    "scan": {"command": ["true", "{path}"]},
}

ORDER = [
    ("Cooldown", "cooldown"),
    ("FetchMetadata", "licenses"),
    ("QueryExistingArtifacts", "builtin"),
    ("ArtifactDownloader", "builtin"),
    ("JudgeLicenses", "licenses"),
    ("ScanArtifacts", "scan"),
    ("ArtifactSaver", "builtin"),
]


def install(site: Path, name: str) -> Path:
    """Put an example where an installer would put it, in a folder of its own."""
    folder = EXAMPLES / f"entrepot-{name}"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    (module,) = (folder / "src").iterdir()
    target = site / name
    info = target / f"{module.name}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (target / module.name).symlink_to(module)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(f"{key} = {value}\n" for key, value in project["entry-points"]["entrepot"].items())
    (info / "entry_points.txt").write_text(f"[entrepot]\n{points}")
    return target


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three of them, and the types that they are tried on, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    return {name: install(folder, name) for name in (*SAID, "python")}


def table(url: str, **more: Any) -> dict[str, Any]:
    """A repository that says something to each of the three."""
    return {"tools": {"type": "python", "url": url, "options": {"include": ["demo"]}, "plugins": SAID, **more}}


def plan(folder: Path, sites: Sequence[Path]) -> list[tuple[str, str]]:
    """The stages of a repository, and whose they are, when these were installed in this order."""
    with importable(*sites), depot(folder, table("https://index.example/simple/")) as opened:
        return [(row["stage"], row["plugin"]) for row in stages(opened, "tools")]


def test_any_order_of_installation_gives_the_same_plan(tmp_path: Path, site: dict[str, Path]) -> None:
    """Each stage stands where it belongs, under the name of who brought it."""
    plans = {tuple(plan(tmp_path, [site["python"], *order])) for order in itertools.permutations(site[x] for x in SAID)}

    (made,) = plans
    assert list(made[1:8]) == ORDER


class Index:
    """An index of one project, with wheels that say how old they are and what their licence is."""

    def __init__(self, origin: BadOrigin) -> None:
        self.origin = origin
        self.files: list[dict[str, Any]] = []

    def add(self, version: int, *, year: int = 2020, license_: str = "MIT", code: str = "") -> None:
        """List a wheel."""
        body, name = io.BytesIO(), f"demo-{version}-py3-none-any.whl"
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("demo.py", code)
            archive.writestr(
                f"demo-{version}.dist-info/METADATA",
                f"Metadata-Version: 2.4\nName: demo\nVersion: {version}\nLicense-Expression: {license_}\n",
            )
        self.origin.put(f"/files/{name}", body.getvalue())
        digest = hashlib.sha256(body.getvalue()).hexdigest()
        said = {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": digest}, "size": len(body.getvalue())}
        self.files.append({**said, "upload-time": f"{year}-01-01T00:00:00Z"})
        page = {"meta": {"api-version": "1.1"}, "name": "demo", "versions": [], "files": self.files}
        media_type = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
        self.origin.on("/simple/demo/", Reply(body=json.dumps(page).encode(), headers=media_type))


async def test_each_refuses_what_is_its_own_to_refuse(tmp_path: Path, site: dict[str, Path]) -> None:
    """One sync, four files, three reasons; what was held back is neither downloaded nor scanned.

    The licence of the one that the scanner refuses was known by then: its label goes with it.
    """
    async with BadOrigin() as origin:
        index = Index(origin)
        index.add(1)
        index.add(2, year=2999)
        index.add(3, license_="AGPL-3.0-only")
        index.add(4, code="EICAR")
        command = ["/bin/sh", "-c", "grep -q EICAR && exit 1; exit 0"]
        said = {**SAID, "scan": {"command": command}}
        tools = table(origin.url("/simple/"), allow_private=True, retries=0)["tools"]
        with importable(*site.values()), depot(tmp_path, {"tools": {**tools, "plugins": said}}) as opened:
            outcome = await sync(opened, "tools")
            rows = opened.catalog.reader.refusals("tools", 1)
            refused = {json.loads(row.key)[2]: row.plugin for row in rows if row.rule != "needs"}
            labels = [row.key for row in rows if row.rule == "needs"]

        asked = sorted(request.path for request in origin.requests if request.path.startswith("/files/"))

    assert {name.split("-")[1]: plugin for name, plugin in refused.items()} == {
        "2": "cooldown",
        "3": "licenses",
        "4": "scan",
    }
    assert ["licenses.label" in key and "-4-" in key for key in labels] == [True]
    assert (outcome.refused, outcome.failed, outcome.downloaded) == (4, 0, 3)
    assert [path.split("-")[1] for path in asked] == ["1", "3", "4"]


async def program(home: Path, sites: Sequence[Path], *arguments: str) -> list[dict[str, Any]]:
    """The command line, as a person with these packages runs it; the lines that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "entrepot", "--config", str(home / "entrepot.toml"), "--json", *arguments),
        env={
            **os.environ,
            "ENTREPOT_HOME": str(home / "home"),
            "PYTHONPATH": os.pathsep.join([*map(str, sites), *sys.path]),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.promise("P37")
@pytest.mark.parametrize("without", [(), *[(name,) for name in SAID], tuple(SAID)], ids="-".join)
async def test_the_command_line_shows_whose_each_stage_is_and_leaves_out_what_is_blocked(
    tmp_path: Path, site: dict[str, Path], without: tuple[str, ...]
) -> None:
    """The others stay where they are, as if the blocked ones had never been installed."""
    with depot(tmp_path, table("https://index.example/simple/"), installed=False):
        pass

    blocks = [word for name in without for word in ("--block", name)]
    made = await program(tmp_path, [*site.values()], *blocks, "stages", "tools")

    brought = [(row["stage"], row["plugin"]) for row in made]
    expected = [row for row in ORDER if row[1] not in without]
    assert brought[1 : 1 + len(expected)] == expected
