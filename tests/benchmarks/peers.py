"""entrepot beside other tools for mirrors: first syncs and syncs without a change, from one nginx on loopback.

    python tests/benchmarks/peers.py [--runs 5] [--projects 300] [--packages 3000] [--only python,debian]

Each run is a process of its own, start-up included, into an empty folder; the tools take turns, and
what they made is set aside until the end, because an ext4 that just removed many files makes new ones
slowly. entrepot syncs to disk; aptly and bandersnatch do not. Medians are printed, with the least and the
most, processor time, peak memory, and in the last column the rate in entrepot's. A tool that is not here
is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).parent))

import origin
import upstreams

#: Packages in one project of the index.
_FILES = 10


@attrs.frozen
class Tool:
    """How one tool is made ready in an empty folder, and the command that syncs there."""

    name: str
    program: str | None
    prepare: Callable[[Path], Sequence[str]]
    made: str

    def count(self, folder: Path) -> int:
        """How many packages are there."""
        return sum(1 for file in folder.glob(self.made) if file.is_file())


@attrs.frozen
class Run:
    """What a process needed."""

    seconds: float
    processor: float
    peak_mib: float


def main() -> None:
    """Measure every tool that is here, and print a table for each format."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=5)
    asked.add_argument("--projects", type=int, default=300, help=f"of {_FILES} wheels each")
    asked.add_argument("--packages", type=int, default=3000)
    asked.add_argument("--only", default="python,debian")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="peers-") as work:
        root = Path(work, "origin")
        upstreams.make_index(root, projects=given.projects, files=_FILES)
        keyring = upstreams.make_archive(root / "debian", packages=given.packages)
        with origin.nginx(root, Path(work, "nginx"), more=upstreams.INDEX) as url:
            upstreams.name_base(root, url)
            tables: Mapping[str, tuple[list[Tool], int]] = {
                "python": ([_ours_python(url), _bandersnatch(url)], given.projects * _FILES),
                "debian": ([_ours_debian(url, keyring), _aptly(url, keyring)], given.packages),
            }
            for name in given.only.split(","):
                tools, packages = tables[name]
                _table(name, tools, packages, work=Path(work), runs=given.runs)


def _table(name: str, tools: list[Tool], packages: int, *, work: Path, runs: int) -> None:
    here = [tool for tool in tools if tool.program is not None]
    print(f"{name}: {packages} packages" + "".join(f"; no {tool.name} here" for tool in tools if tool not in here))
    for tool in here:  # once untimed: Python writes down what it compiled, and files come into memory
        _both(tool, packages, work)
    found: dict[tuple[str, str], list[Run]] = {}
    for _ in range(runs):
        for tool in here:
            for what, run in zip(("first", "no change"), _both(tool, packages, work), strict=True):
                found.setdefault((what, tool.name), []).append(run)
    for what in ("first", "no change"):
        base = statistics.median(run.seconds for run in found[what, here[0].name])
        for tool in here:
            ratio = base / statistics.median(run.seconds for run in found[what, tool.name])
            print(f"  {what:9} {tool.name:12} {_line(found[what, tool.name], packages)}  {ratio:6.2f}", flush=True)


def _line(runs: list[Run], packages: int) -> str:
    seconds = [run.seconds for run in runs]
    median = statistics.median(seconds)
    return (
        f"{median:7.2f} s ({min(seconds):.2f}-{max(seconds):.2f})  {packages / median:8,.0f} packages/s"
        f"  {statistics.median(run.processor for run in runs):6.2f} s of processor"
        f"  {max(run.peak_mib for run in runs):5.0f} MiB"
    )


def _both(tool: Tool, packages: int, work: Path) -> tuple[Run, Run]:
    """A first sync, and one more; ends the program where packages are missing."""
    folder = work / f"{tool.name}-{time.monotonic_ns()}"
    folder.mkdir()
    command = tool.prepare(folder)
    first = _timed(command, folder)
    if tool.count(folder) < packages:
        raise SystemExit(f"{tool.name} has {tool.count(folder)} of {packages} packages; see {folder / 'said'}")
    return first, _timed(command, folder)


def _timed(command: Sequence[str], folder: Path) -> Run:
    with (folder / "said").open("ab") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, env=_environment(folder))
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(
            f"{' '.join(command)} ended with {process.returncode}: {(folder / 'said').read_text()[-2000:]}"
        )
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _environment(folder: Path) -> dict[str, str]:
    """As a person has it: Python may keep what it compiled, and no configuration of this machine's is read."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"HOME": str(folder), "no_proxy": "*"}


def _ours_python(url: str) -> Tool:
    return _ours("python", f'url = "{url}/simple/"', 'include = ["*"]')


def _ours_debian(url: str, keyring: Path) -> Tool:
    return _ours("deb", f'url = "{url}/debian/"', f'suites = ["stable"]\nkeyring = "{keyring}"')


def _ours(kind: str, address: str, options: str) -> Tool:
    def prepare(folder: Path) -> list[str]:
        (folder / "entrepot.toml").write_text(
            f'[repositories.bench]\ntype = "{kind}"\npolicy = "immediate"\nallow_private = true\n{address}\n'
            f"[repositories.bench.options]\n{options}\n"
        )
        command = [sys.executable, "-m", "entrepot", "--home", str(folder / "home")]
        subprocess.run([*command, "init"], cwd=folder, check=True, capture_output=True, env=_environment(folder))
        return [*command, "sync"]

    return Tool("entrepot", sys.executable, prepare, "home/storage/**/*")


def _bandersnatch(url: str) -> Tool:
    program = shutil.which("bandersnatch", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def prepare(folder: Path) -> list[str]:
        (folder / "conf").write_text(
            f"[mirror]\ndirectory = {folder / 'mirror'}\nmaster = {url}\nallow-non-https = true\n"
            "api-method = simple\njson = true\nsimple-format = ALL\ntimeout = 30\nworkers = 10\nhash-index = false\n"
            "stop-on-error = true\n"
        )
        return [str(program), "-c", str(folder / "conf"), "mirror"]

    return Tool("bandersnatch", program, prepare, "mirror/web/packages/**/*.whl")


def _aptly(url: str, keyring: Path) -> Tool:
    program = shutil.which("aptly")

    def prepare(folder: Path) -> list[str]:
        settings = {"rootDir": str(folder / "root"), "architectures": ["amd64"], "downloadConcurrency": 10}
        (folder / "conf").write_text(json.dumps(settings))
        command = [str(program), f"-config={folder / 'conf'}", f"-keyring={keyring}", "mirror"]
        _timed([*command, "create", "bench", f"{url}/debian/", "stable", "main"], folder)
        return [*command, "update", "bench"]

    return Tool("aptly", program, prepare, "root/pool/**/*.deb")


if __name__ == "__main__":
    main()
