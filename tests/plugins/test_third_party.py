"""A stranger's package takes part in the next sync, with no other change, and harms nothing when it is broken."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing import BadOrigin
from integration import firmware
from integration.upstream import FirmwareUpstream

REFUSING = '''
"""Leaves radio images out."""

from entrepot.plugin import QueryExistingContents, Stage, before, hookimpl


class LeaveRadioOut(Stage):
    """Refuse images whose name says radio."""

    needs = frozenset({"declared"})

    async def run(self):
        async for unit in self.items():
            if unit.content.name == "radio":
                await self.refuse(unit, "no-radio", "radio images are not wanted")
            else:
                await self.put(unit)


@hookimpl
def entrepot_edit_plan(plan, context):
    return [before(QueryExistingContents, LeaveRadioOut())]
'''

NEEDING = REFUSING.replace('{"declared"}', '{"scanned"}')


def install(folder: Path, name: str, code: str) -> None:
    """Put a module and its metadata where pip would."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[entrepot]\n{name} = {name}\n")


class Program:
    """The command line, as a person with these packages runs it."""

    def __init__(self, site: Path, configuration: Path) -> None:
        self.site = site
        self.configuration = configuration

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "entrepot", "--config", str(self.configuration), *arguments]
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(self.site), *sys.path])},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def lines(self, *arguments: str) -> list[dict[str, Any]]:
        status, out, err = await self("--json", *arguments)
        assert status == 0, err
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def upstream() -> AsyncIterator[FirmwareUpstream]:
    """Two images, published."""
    async with BadOrigin() as origin:
        made = FirmwareUpstream(origin)
        made.add("boot", b"boot")
        made.add("radio", b"radio")
        made.publish()
        yield made


@pytest.fixture
async def program(tmp_path: Path, upstream: FirmwareUpstream) -> Program:
    """A depot for that upstream, whose type a first package brings."""
    site = tmp_path / "site"
    site.mkdir()
    install(site, "firmware_plugin", inspect.getsource(firmware))
    configuration = tmp_path / "entrepot.toml"
    configuration.write_text(
        f'[depot]\nhome = "{tmp_path / "home"}"\n\n[repositories.fw]\ntype = "firmware"\nurl = "{upstream.url}"\n'
    )
    made = Program(site, configuration)
    status, _, err = await made("init")
    assert status == 0, err
    return made


async def test_an_installed_stage_takes_part_in_the_next_sync(program: Program) -> None:
    """Installing is all there is to do; `stages` says where the stage stands, and who put it there."""
    install(program.site, "noradio", REFUSING)

    *_, synced = await program.lines("sync", "fw")
    stages = await program.lines("stages", "fw")

    assert (synced["added"], synced["refused"]) == (1, 1)
    names = [line["stage"] for line in stages]
    at = names.index("LeaveRadioOut")
    assert names[at + 1] == "QueryExistingContents"
    assert stages[at]["plugin"] == "noradio"


async def test_a_need_that_nobody_meets_is_refused_before_the_first_request(
    program: Program, upstream: FirmwareUpstream
) -> None:
    """The error names stage and plugin; upstream never hears of it."""
    install(program.site, "noradio", NEEDING)

    status, _, err = await program("sync", "fw")

    assert status == 2
    assert "LeaveRadioOut" in err
    assert "noradio" in err
    assert "'scanned'" in err
    assert upstream.origin.requests == []


@pytest.mark.fault("G01")
@pytest.mark.promise("P37")
async def test_a_package_that_cannot_be_imported_harms_nothing_else(program: Program) -> None:
    """The sync goes on without it and says so; it is listed as broken, with the reason."""
    install(program.site, "wreck", "import a_module_that_nobody_has\n")

    _, out, err = await program("--json", "sync", "fw")
    synced = json.loads(out.splitlines()[-1])
    plugins = {line["name"]: line for line in await program.lines("plugins")}

    assert synced["added"] == 2
    assert "plugin 'wreck' is broken and takes no part" in err
    assert "a_module_that_nobody_has" in err
    assert plugins["wreck"]["state"] == "broken"
    assert "a_module_that_nobody_has" in plugins["wreck"]["reason"]
