"""twine and uv publish, uploading to a mirror what pip installs from it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from entrepot.testing import check_depot, served

pytestmark = [pytest.mark.clients, pytest.mark.slow]

#: As the fixture that opens the depot has it.
TOKEN = "let-me-in"

Open = Callable[..., AbstractContextManager[Any]]


@pytest.mark.parametrize("client", ["twine", "uv publish"])
async def test_clients_upload_and_pip_installs(
    open_ours: Open, make_wheel: Callable[..., Path], tmp_path: Path, record_property: Any, client: str
) -> None:
    """A wheel; once more the same, and once more other bytes by its name, which the client is told of."""
    file = make_wheel(tmp_path, "demo", "1.0")
    with open_ours() as opened:
        async with served(opened) as address:
            url = f"{address}/ours/upload/"
            assert (await run(*sending(client, url, file)))[0] == 0
            assert (await run(*sending(client, url, file)))[0] == 0
            make_wheel(tmp_path, "demo", "1.0", ("evil",))
            code, said = await run(*sending(client, url, file))
            assert (code == 0, "409" in said) == (False, True)
            code, said = await run(*sending(client, url, file, token="guess"))
            assert (code == 0, "403" in said) == (False, True)
            target = tmp_path / "installed"
            index = f"--index-url={address}/ours/simple/"
            code, said = await run(
                sys.executable,
                "-m",
                "pip",
                "--isolated",
                "install",
                "--no-cache-dir",
                f"--target={target}",
                index,
                "demo",
            )
            assert code == 0, said
            assert (target / "demo.py").read_text() == "VERSION = '1.0'\n"
        assert not check_depot(opened)
    version = (await run(*versions_of(client)))[1].split()
    record_property("tried", [client, next(word for word in version if word[0].isdigit()), "immediate", "upload"])


def sending(client: str, url: str, file: Path, token: str = TOKEN) -> list[str]:
    """The command that uploads a file."""
    if client == "twine":
        pytest.importorskip("twine", reason="twine is not here: install the group peers")
        words = ["-m", "twine", "upload", "--non-interactive", "--disable-progress-bar", "-u", "__token__", "-p", token]
        return [sys.executable, *words, "--repository-url", url, str(file)]
    words = ["-m", "uv", "publish", "--no-config", "--publish-url", url, "--token", token, str(file)]
    return [sys.executable, *words]


def versions_of(client: str) -> list[str]:
    """The command that tells which one it is."""
    return [sys.executable, "-m", client.split(maxsplit=1)[0], "--version"]


async def run(*command: str) -> tuple[int, str]:
    """Run it apart from this machine's configuration; its exit code, and what it said."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "TWINE_"))}
    alone |= {"no_proxy": "*", "PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1", "COLUMNS": "200"}
    done = await asyncio.to_thread(
        subprocess.run, command, env=alone, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr
