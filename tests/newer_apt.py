"""Get the apt of a newer Debian, beside this machine's own: `python tests/newer_apt.py FOLDER [--suite SUITE]`.

Asks the archive that this machine's own sources of apt name, and believes what is signed by a key of the machine's
keyring. Lists and packages are kept in a folder of its own: what this machine's apt knows stays as it is. Packages are
unpacked, not installed, and no script of theirs is run. Then

    ENTREPOT_TEST_NEW_APT=FOLDER pytest -m clients plugin_examples/entrepot-deb

runs the tests of clients with it too. `FOLDER/run PROGRAM ...` runs one of its programs by hand: in a mount namespace
with the folder's `usr` in place of the machine's, which Linux lets any user have; all other files are the machine's.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

#: apt needs no dpkg to be installed, being an essential package; it asks it all the same.
WANTED = ("apt", "dpkg")

_RUN = """\
#!/bin/sh
# Runs a program of this folder's usr in place of the machine's: `run apt-get --version`.
folder=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec unshare --map-root-user --mount sh -c 'mount --bind "$0/usr" /usr && exec "$@"' "$folder" "$@"
"""


def main(words: list[str]) -> int:
    """Make the folder, whole or not at all; say how to use it."""
    summary, _, told = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=told, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="made by this, so it must not be there")
    parser.add_argument(
        "--suite", default="trixie", help="whose apt to get, of the same archive (default: %(default)s)"
    )
    parser.add_argument("--keyring", type=Path, default=KEYRING, help="whose signatures to believe")
    said = parser.parse_args(words)
    folder = said.folder.absolute()
    missing = [program for program in ("apt-get", "dpkg-deb", "unshare") if shutil.which(program) is None]
    if missing:
        return _fail(f"{', '.join(missing)} is not here: this is for Debian, and what is made of it")
    if folder.exists():
        return _fail(f"{folder} is there already: remove it, or name another")
    if not said.keyring.is_file():
        return _fail(f"{said.keyring} is not here: install debian-archive-keyring, or name another with --keyring")
    uri = archive()
    if uri is None:
        return _fail("this machine's sources of apt name no archive of its own release")
    with tempfile.TemporaryDirectory(prefix="newer-apt-", dir=folder.parent) as name:
        made = Path(name) / "made"
        unpack(fetch(Path(name), uri, said.suite, said.keyring), made)
        made.rename(folder)
    version = subprocess.run([folder / "run", "apt-get", "--version"], capture_output=True, text=True, check=True)
    print(f"{version.stdout.splitlines()[0]}\nENTREPOT_TEST_NEW_APT={folder}")  # noqa: T201
    return 0


def archive() -> str | None:
    """Ask this machine's apt where packages of its own release are."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME")
    wanted = ["--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    for line in _said(["apt-get", "indextargets", *wanted]).splitlines():
        release, component, uri = line.split(" ", 2)
        if (release, component) == (codename, "main"):
            return uri
    return None


def fetch(folder: Path, uri: str, suite: str, keyring: Path) -> list[Path]:
    """Download what is wanted and what that needs, as if nothing was installed; the packages."""
    for part in ("lists/partial", "cache/archives/partial", "parts", "state"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={keyring}] {uri} {suite} main\n")
    (folder / "apt.conf").write_text(_configuration(folder))
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
    _said(["apt-get", "-qq", "update"], environment)
    _said(["apt-get", "-qq", "install", "--yes", "--download-only", "--no-install-recommends", *WANTED], environment)
    return sorted((folder / "cache/archives").glob("*.deb"))


def _configuration(folder: Path) -> str:
    """Keep all state in the folder; by which way to go out is this machine's to say, and who it is there."""
    said = {
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": folder / "parts",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": folder / "parts",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": folder / "state",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
    }
    kept = ("Acquire::http::", "Acquire::https::", "Acquire::Retries")
    machine = [line for line in _said(["apt-config", "dump"]).splitlines() if line.startswith(kept)]
    return "\n".join([*machine, *(f'{name} "{value}";' for name, value in said.items()), ""])


def unpack(packages: list[Path], folder: Path) -> None:
    """Unpack them into a folder, with a program that runs theirs."""
    folder.mkdir()
    for package in packages:
        _said(["dpkg-deb", "--extract", str(package), str(folder)])
    run = folder / "run"
    run.write_text(_RUN)
    run.chmod(0o755)


def _said(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(_fail(f"{' '.join(command)} ended with {done.returncode}"))
    return done.stdout


def _fail(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
