"""apt-get, the machine's own and a newer one, each in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import attrs
import pytest

#: Names the folder that `tests/newer_apt.py` made.
NEW_APT = "ENTREPOT_TEST_NEW_APT"


@attrs.frozen
class Apt:
    """apt-get in a root of its own, which trusts one key and knows one source."""

    root: Path
    #: What runs the programs of a newer Debian, where this is not the machine's own apt.
    newer: Path | None = None

    @property
    def name(self) -> str:
        """What the matrix of clients calls it."""
        return "apt-get of a newer Debian" if self.newer else "apt-get"

    def configure(self, source: str, more: dict[str, str] | None = None) -> None:
        """Make the root anew, with lines or a paragraph of sources, and more of apt's own options."""
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in ("lists/partial", "cache/archives/partial", "etc/parts", "etc/preferences.d", "state"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "status").touch()
        sources = self.root / ("own.sources" if source.startswith("Types:") else "sources.list")
        sources.write_text(f"{source}\n")
        said = {
            "Dir::Etc": self.root / "etc",
            "Dir::Etc::sourcelist": sources,
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::parts": self.root / "etc/parts",
            "Dir::State": self.root / "state",
            "Dir::State::lists": self.root / "lists",
            "Dir::State::status": self.root / "status",
            "Dir::Cache": self.root / "cache",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::http::Proxy": "DIRECT",
            **(more or {}),
        }
        lines = [f'{name} "{value}";\n' for name, value in said.items()]
        (self.root / "apt.conf").write_text("".join(lines))

    async def run(self, program: str, *words: str) -> tuple[int, str]:
        """Run it; its exit code, and what it said."""
        found = shutil.which(program)
        if found is None:
            pytest.skip(f"{program} is not here: it comes with Debian")
        command = [str(self.newer), program] if self.newer and program.startswith("apt") else [found]
        process = await asyncio.create_subprocess_exec(
            *command,
            *words,
            env={**os.environ, "APT_CONFIG": str(self.root / "apt.conf"), "LC_ALL": "C", "no_proxy": "*"},
            cwd=self.root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode or 0, out.decode()

    async def get(self, *words: str) -> str:
        """Run apt-get, which must end well."""
        code, said = await self.run("apt-get", "--quiet", *words)
        assert code == 0, said
        assert "W:" not in said, said
        return said

    async def version(self) -> str:
        """What version this is."""
        return (await self.run("apt-get", "--version"))[1].split()[1]

    def downloaded(self) -> dict[str, bytes]:
        """The packages that were fetched for installing."""
        return {file.name: file.read_bytes() for file in (self.root / "cache/archives").glob("*.deb")}


@pytest.fixture(params=["machine", "newer"])
def apt(request: pytest.FixtureRequest, tmp_path: Path) -> Apt:
    """apt-get in a folder of this test's: the machine's, and the one of a newer Debian."""
    if request.param == "machine":
        return Apt(tmp_path / "apt")
    newer: Apt = request.getfixturevalue("newer_apt")
    return newer


@pytest.fixture
def newer_apt(tmp_path: Path) -> Apt:
    """apt-get of a newer Debian, where somebody has got it."""
    folder = os.environ.get(NEW_APT)
    if folder is None:
        pytest.skip(f"{NEW_APT} names no newer apt: python tests/newer_apt.py FOLDER")
    return Apt(tmp_path / "apt", Path(folder).absolute() / "run")
