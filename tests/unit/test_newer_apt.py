"""The apt of a newer Debian: what is believed, and what is never touched."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from newer_apt import KEYRING, fetch, main, unpack

pytestmark = pytest.mark.skipif(
    None in {shutil.which(program) for program in ("apt-get", "dpkg-deb", "unshare")},
    reason="apt-get, dpkg-deb or unshare is not here: they come with Debian",
)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is asked for, and nothing is written."""
    assert main([str(tmp_path)]) == 2

    assert f"{tmp_path} is there already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_a_keyring_nothing_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no way to do it all the same."""
    assert main([str(tmp_path / "made"), "--keyring", str(tmp_path / "none.gpg")]) == 2

    assert "none.gpg is not here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_signed_is_not_believed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """apt says which archive it was, and no package is fetched."""
    monkeypatch.setenv("LC_ALL", "C")
    release = tmp_path / "archive/dists/stable/Release"
    release.parent.mkdir(parents=True)
    release.write_text(
        "Codename: stable\nDate: Fri, 02 Jan 2026 12:00:00 GMT\nComponents: main\nArchitectures: amd64\n"
    )

    with pytest.raises(SystemExit):
        fetch(tmp_path / "own", (tmp_path / "archive").as_uri(), "stable", KEYRING)

    assert f"{tmp_path}/archive stable Release' is not signed" in capfd.readouterr().err


def test_packages_are_unpacked_and_their_scripts_are_not_run(tmp_path: Path) -> None:
    """Beside a program that runs theirs."""
    control = tmp_path / "hello/DEBIAN"
    control.mkdir(parents=True)
    (control / "control").write_text(
        "Package: hello\nVersion: 1\nArchitecture: all\nMaintainer: us\nDescription: hello\n"
    )
    (control / "preinst").write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    (control / "preinst").chmod(0o755)
    (tmp_path / "hello/usr").mkdir()
    (tmp_path / "hello/usr/said").write_text("hello")
    package = tmp_path / "hello.deb"
    subprocess.run(["dpkg-deb", "--build", tmp_path / "hello", package], check=True, capture_output=True)

    unpack([package], tmp_path / "made")

    assert (tmp_path / "made/usr/said").read_text() == "hello"
    assert os.access(tmp_path / "made/run", os.X_OK)
    assert not (tmp_path / "was-run").exists()
