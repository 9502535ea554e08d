"""Clients of years apart, and what they ask of a mirror in every state that it can be in."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from entrepot.testing import depot, sync

pytestmark = [pytest.mark.clients, pytest.mark.slow]

#: The wheel of a pip that is years old, which nobody's environment has by accident.
OLD_PIP = "ENTREPOT_TEST_OLD_PIP"

#: Clients must see our index alone, whatever this machine's configuration says.
ALONE = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "VIRTUAL_ENV"))},
    "PIP_CONFIG_FILE": os.devnull,
    "UV_NO_CONFIG": "1",
    "NO_PROXY": "127.0.0.1",
}

DAYS = (1_767_225_600.0, 1_769_904_000.0)  # the first of January and of February 2026: a version each
BETWEEN = "2026-01-15"
CLIENTS = ("pip", "pip of years ago", "uv")


@attrs.define
class Mirror:
    """A mirror with two versions of two repositories, and a server of its own that can be killed."""

    config: Path
    #: Where the indexes are that it mirrors.
    listed: Path
    process: subprocess.Popen[str] | None = None
    address: str = ""

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "entrepot", "--config", str(self.config), "--home", str(self.home), *words]

    @property
    def home(self) -> Path:
        return self.config.parent / "home"

    def start(self) -> None:
        """Serve, on a port that is free."""
        command = self.command("serve", "--port", "0")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.address = next(word for word in line.split() if word.startswith("http")).rstrip("/")

    def kill(self) -> None:
        """End the server as a crash does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory, make_wheel: Callable[..., Path]) -> Iterator[Mirror]:
    """`app` needs `lib`; version 2 has a second `lib`. Of one's own there is another `lib`, which goes before both."""
    folder = tmp_path_factory.mktemp("matrix")
    index, own = folder / "simple", folder / "own"
    table = {"type": "python", "url": index.as_uri() + "/", "options": {"include": ["app", "lib"]}}
    policies = {"now": "immediate", "later": "on_demand", "pruned": "immediate"}
    tables = {name: {**table, "policy": policy} for name, policy in policies.items()}
    tables["ours"] = {**table, "url": own.as_uri() + "/", "options": {"include": ["lib"]}}
    pulled = {**table, "policy": "on_demand", "pull_through": True, "options": {}}
    pulling = {_pulled(name): pulled for name in CLIENTS}
    _list(own / "lib", make_wheel, "lib", "1.5", ())
    for day, wheels in zip(
        DAYS, ([("lib", "1.0", ()), ("app", "1.0", ("lib>=1",))], [("lib", "2.0", ())]), strict=True
    ):
        for project, version, needs in wheels:
            _list(index / project, make_wheel, project, version, needs)
        combined = {"all": {"repositories": ["ours", "now"]}}
        with depot(folder / "depot", {**tables, **pulling}, combined=combined, clock=lambda day=day: day) as opened:
            for name in tables:
                asyncio.run(sync(opened, name))
    made = Mirror(folder / "depot" / "entrepot.toml", folder)
    made.start()
    yield made
    made.kill()


def _pulled(name: str) -> str:
    """The repository that this client alone asks, so that nothing was there before."""
    return f"pulled-{name.replace(' ', '-')}"


def _list(folder: Path, make_wheel: Callable[..., Path], project: str, version: str, needs: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    make_wheel(folder, project, version, needs)
    listed = [wheel.name for wheel in sorted(folder.glob("*.whl"))]
    digests = {name: _sha256(folder / name) for name in listed}
    links = "".join(f'<a href="{name}#sha256={digests[name]}">{name}</a><br>' for name in listed)
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@attrs.frozen
class Client:
    """A program that installs from an index into a folder."""

    name: str
    command: tuple[str, ...]
    index: str
    lock: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        words = _said([self.command[0], "--version"] if self.name == "uv" else [*self.command, "--version"]).split()
        return words[1]

    def install(self, url: str, target: Path, *what: str) -> None:
        _said([*self.command, "install", *self._options, "--target", str(target), self.index, url, *what])

    def write_lock(self, url: str, folder: Path) -> Path:
        """Lock what `app.txt` in the folder asks for."""
        file = folder / "pylock.toml"
        _said([*self.command, *self.lock, str(file), self.index, url], folder)
        return file

    @property
    def _options(self) -> tuple[str, ...]:
        return ("--no-cache",) if self.name == "uv" else ("--no-cache-dir",)


def _said(command: Sequence[str], folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=ALONE, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def _client(name: str, folder: Path) -> Client:
    """Find a client; one that has to be brought along may be missing, those of our environment may not."""
    isolated = ("--isolated", "--disable-pip-version-check")
    match name:
        case "uv":
            places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
            uv = shutil.which("uv", path=places)
            assert uv is not None, "uv is not here: install the test dependencies"
            return Client(
                name, (uv, "pip"), "--default-index", ("compile", "--quiet", "--format", "pylock.toml", "app.txt", "-o")
            )
        case "pip":
            return Client(
                name,
                (sys.executable, "-m", "pip", *isolated),
                "--index-url",
                ("lock", "--quiet", "-r", "app.txt", "-o"),
            )
        case _:
            wheel = os.environ.get(OLD_PIP)
            if wheel is None:
                pytest.skip(f"{OLD_PIP} names no wheel of an old pip: pip download --no-deps pip==21.3.1")
            if not (folder / "old").exists():
                zipfile.ZipFile(wheel).extractall(folder / "old")
            return Client(name, (sys.executable, str(folder / "old/pip"), *isolated), "--index-url")


SITUATIONS = {
    "immediate": ("now", "2.0"),
    "on demand": ("later", "2.0"),
    "by version": ("now@1", "1.0"),
    "by date": (f"later@{BETWEEN}", "1.0"),
    "after a kill and restart": ("later", "2.0"),
    "after prune": ("pruned", "2.0"),
    "combined with one's own": ("all", "1.5"),
    "pulled when asked for": ("pulled", "2.0"),
}

#: A client of years ago sees no difference here, so its time is saved.
CASES = [
    (name, situation)
    for name in CLIENTS
    for situation, (repository, _) in SITUATIONS.items()
    if name != "pip of years ago" or repository not in {"all", "pulled"}
]


@pytest.mark.promise("P02")
@pytest.mark.parametrize(("name", "situation"), CASES)
def test_clients_install_from_a_mirror_in_every_state(
    mirror: Mirror, tmp_path: Path, record_property: Callable[[str, object], None], name: str, situation: str
) -> None:
    """By name, by hash, and from a lock file that was made behind the mirror."""
    client = _client(name, mirror.listed)
    repository, lib = SITUATIONS[situation]
    if repository == "pulled":
        repository = _pulled(name)
    if situation == "after a kill and restart":
        mirror.kill()
        mirror.start()
    if situation == "after prune":
        _said(mirror.command("prune", "pruned", "--keep", "1"))
    url = f"{mirror.address}/{repository}/simple/"

    client.install(url, tmp_path / "by name", "app")

    wheels = [wheel for asked in ("app-1.0", f"lib-{lib}") for wheel in mirror.listed.glob(f"*/*/{asked}-*.whl")]
    hashed = [f"{w.name.split('-')[0]}=={w.name.split('-')[1]} --hash=sha256:{_sha256(w)}\n" for w in wheels]
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("".join(hashed))
    client.install(url, tmp_path / "by hash", "--require-hashes", "-r", str(requirements))
    assert _lib(tmp_path / "by name") == _lib(tmp_path / "by hash") == lib
    for done in ("install", "install with hashes"):
        record_property("tried", [name, client.version, situation, done])
    if client.lock:
        (tmp_path / "app.txt").write_text("app\n")
        client.install(url, tmp_path / "by lock", "-r", str(client.write_lock(url, tmp_path)))
        assert _lib(tmp_path / "by lock") == lib
        record_property("tried", [name, client.version, situation, "lock and install"])


def _lib(folder: Path) -> str:
    return (folder / "lib.py").read_text().split("'")[1]
