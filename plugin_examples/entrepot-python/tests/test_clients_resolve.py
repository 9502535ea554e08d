"""What clients resolve behind the mirror, next to what they resolve at the index itself."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing import served

pytestmark = [pytest.mark.clients, pytest.mark.slow]

Open = Callable[..., AbstractContextManager[Any]]

RELEASES = [
    ("app", "1.0", "2023-05-01T00:00:00.000001Z", ["lib>=1"], {}),
    ("app", "2.0", "2024-05-01T00:00:00Z", ["lib>=1"], {}),
    ("app", "3.0", "2025-05-01T00:00:00Z", ["lib>=1"], {"requires-python": ">=3.99"}),
    ("lib", "1.0", "2023-04-01T00:00:00Z", [], {}),
    ("lib", "1.1", "2023-06-01T00:00:00Z", [], {"yanked": "breaks app"}),
    ("lib", "2.0", "2024-06-01T12:00:00.5Z", [], {}),
]


def stock(index: Any) -> None:
    """List wheels of which only the core metadata are true: resolving must need no more."""
    for project, version, uploaded, needs, said in RELEASES:
        filename = f"{project}-{version}-py3-none-any.whl"
        lines = [
            f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n",
            *(f"Requires-Dist: {n}\n" for n in needs),
        ]
        metadata = "".join(lines).encode()
        index.origin.put(f"/packages/{filename}.metadata", metadata)
        digest = {"sha256": hashlib.sha256(metadata).hexdigest()}
        index.add(project, filename, **{"upload-time": uploaded, "core-metadata": digest, **said})


async def resolved(url: str, *options: str) -> list[str]:
    """What uv chooses for `app` from an index."""
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        pytest.fail("uv is not here: install the test dependencies")
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    command = [
        uv,
        "pip",
        "compile",
        "--no-cache",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "--python",
        sys.executable,
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--default-index",
        url,
        "--generate-hashes",
        *options,
        "-",
        env={**alone, "UV_NO_CONFIG": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, told = await process.communicate(b"app\n")
    assert process.returncode == 0, told.decode()
    return out.decode().splitlines()


@pytest.mark.promise("P02")
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_a_resolver_chooses_behind_the_mirror_what_it_chooses_at_the_index(
    open_mirror: Open, index: Any, policy: str
) -> None:
    """Also before a day: upload times, yanks, required Pythons, metadata and digests are the index's own."""
    stock(index)
    days = ["2023-05-15", "2024-05-15", "2024-06-01T12:00:00Z", "2024-06-01T12:00:01Z"]
    asked = [(), *(("--exclude-newer", day) for day in days)]

    with open_mirror(["app", "lib"], policy=policy) as mirror:
        await mirror.sync()
        async with served(mirror.depot) as address:
            behind = [await resolved(f"{address}/tools/simple/", *options) for options in asked]
        wheels = index.origin.count("/packages/*.whl")
    at_index = [await resolved(index.origin.url("/simple/"), *options) for options in asked]

    assert behind == at_index
    versions = [[line.split()[0] for line in lines if "==" in line] for lines in behind]
    assert versions[:3] == [["app==2.0", "lib==2.0"], ["app==1.0", "lib==1.0"], ["app==2.0", "lib==1.0"]]
    assert versions[4] == ["app==2.0", "lib==2.0"]
    assert wheels == (0 if policy == "on_demand" else len(RELEASES))
