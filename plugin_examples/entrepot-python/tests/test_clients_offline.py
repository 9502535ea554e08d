"""What `pip download` fetches at the index it fetches behind a closure too, and from there it installs offline."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing import served

pytestmark = [pytest.mark.clients, pytest.mark.slow]

Open = Callable[..., AbstractContextManager[Any]]

#: As pip is told of a target, and as `python_versions` and `platforms` are.
TARGETS = [
    ("3.11", "manylinux_2_28_x86_64"),
    ("3.10", "manylinux_2_17_x86_64"),
    ("3.13", "win_amd64"),
    ("3.12", "macosx_14_0_arm64"),
]

#: A client of the web, as such projects are cut: a compiled top, markers, extras, rings, old and new releases.
RELEASES = [
    ("web", "1.0", ["loop>=1", "attrs>=17", "legacy"], "cp311-cp311-manylinux_2_17_x86_64"),
    ("web", "2.0", ["loop>=1.2,<3", "attrs>=17", 'until>=4; python_version < "3.11"', 'fast; extra == "speedups"'], ""),
    ("loop", "1.0", [], "py3-none-any"),
    ("loop", "2.0", ["typing-extras>=4; python_version < '3.13'", "frozen"], ""),
    ("loop", "3.0", ["frozen"], "py3-none-any"),
    ("frozen", "1.5", ["loop"], "py3-none-any"),
    ("attrs", "23.1", ["bridge[a]; sys_platform == 'win32'"], "py3-none-any"),
    ("attrs", "24.1", ["bridge[a]; sys_platform == 'win32'"], "py3-none-any"),
    ("bridge", "1", ["winsock; extra == 'a'"], "py3-none-any"),
    ("winsock", "5", [], "cp313-cp313-win_amd64"),
    ("typing-extras", "4.7", [], "py3-none-any"),
    ("typing-extras", "5.0", ["nowhere"], "py39-none-any"),
    ("until", "4.0.3", [], "py3-none-any"),
    ("until", "5.0", ['typing-extras; python_version < "3.11.3"'], "py3-none-any"),
    ("fast", "1", [], "py3-none-any"),
    ("legacy", "1", [], "py3-none-any"),
    ("stranger", "1", ["web"], "py3-none-any"),
]

BUILT = [
    "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp310-cp310-manylinux_2_17_x86_64",
    "cp313-cp313-win_amd64",
    "cp312-cp312-macosx_11_0_arm64",
    "cp311-cp311-musllinux_1_2_x86_64",
]


async def pip(*options: str) -> None:
    """Run pip apart from any configuration of this machine."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pip", "--isolated", "--no-input", "--disable-pip-version-check", *options),
        env={**alone, "PIP_CONFIG_FILE": os.devnull, "no_proxy": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()


async def downloaded(index: str, folder: Path, python: str, platform: str, *asked: str) -> dict[str, bytes]:
    """What `pip download` fetches for a target."""
    target = ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", f"--platform={platform}"]
    # pip takes a platform by its name, and none that is older.
    if platform.startswith("manylinux_2_28"):
        target.append("--platform=manylinux_2_17_x86_64")
    if platform.startswith("macosx"):
        target.append("--platform=macosx_11_0_arm64")
    await pip("download", "--no-cache-dir", f"--index-url={index}", f"--dest={folder}", *target, *asked)
    return await asyncio.to_thread(lambda: {path.name: path.read_bytes() for path in folder.iterdir()})


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_pip_fetches_behind_a_closure_what_it_fetches_at_the_index(
    open_mirror: Open, universe: Any, tmp_path: Path, policy: str
) -> None:
    """For every target, with and without extras, and of older releases too; then with no index at all."""
    for project, version, needs, tag in RELEASES:
        for each in [tag] if tag else BUILT:
            universe.add(project, version, *needs, tag=each)
    pythons, platforms = zip(*TARGETS, strict=True)
    options = {"include": ("web[speedups]",), "dependencies": True}

    with open_mirror([], options={**options, "python_versions": pythons, "platforms": platforms}, policy=policy) as it:
        await it.sync()
        async with served(it.depot) as address:
            for number, (python, platform) in enumerate(TARGETS):
                for asked in ("web", "web[speedups]"):
                    folder = tmp_path / f"{number}{asked}"
                    at_index = await downloaded(
                        universe.index.origin.url("/simple/"), folder / "index", python, platform, asked
                    )
                    behind = await downloaded(f"{address}/tools/simple/", folder / "mirror", python, platform, asked)

                    assert behind == at_index
                    assert len(behind) >= 4 + (asked != "web"), sorted(behind)
            rows = it.depot.catalog.reader.members("tools", 1)
            projects = {row.key.split('"')[3] for row in rows}
        assert projects == {name for name, *_ in RELEASES} - {"stranger"}

    here = tmp_path / "0web[speedups]" / "mirror"
    await pip(
        "install",
        "--no-index",
        f"--find-links={here}",
        f"--target={tmp_path / 'installed'}",
        "--only-binary=:all:",
        "--python-version=3.11",
        "--implementation=cp",
        "--platform=manylinux_2_17_x86_64",
        "web[speedups]",
    )
    there = await asyncio.to_thread(os.listdir, tmp_path / "installed")
    assert {"web.py", "loop.py", "frozen.py", "attrs.py", "fast.py"} <= set(there)
