"""Asking pip for its index."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from entrepot.plugin import ConfigurationError
from entrepot_python.pip_index import ask_pip


@pytest.fixture
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """pip as on a machine where nobody has configured it."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)


def python(folder: Path, answer: str) -> str:
    """A Python whose pip answers so; an empty answer means that it has no pip."""
    folder.mkdir(exist_ok=True)
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n" if answer else "#!/bin/sh\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


@pytest.mark.usefixtures("no_configuration")
def test_pip_knows_an_index_of_its_own() -> None:
    """Where nothing is configured, pip's own default is told; it is written nowhere here."""
    pytest.importorskip("pip")

    assert ask_pip().startswith("https://")


def test_what_pip_is_configured_with_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From pip's file, and over that from its environment."""
    pytest.importorskip("pip")
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://file.example/simple/\n")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    assert ask_pip() == "https://file.example/simple/"

    monkeypatch.setenv("PIP_INDEX_URL", "https://environment.example/simple/")
    assert ask_pip() == "https://environment.example/simple/"


def test_another_python_is_asked_when_this_one_has_no_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Environments without pip are common; the machine's own Python often has one."""
    monkeypatch.setattr(sys, "executable", python(tmp_path / "bare", ""))
    python(tmp_path / "path", "https://other.example/simple/")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin")

    assert ask_pip() == "https://other.example/simple/"


@pytest.mark.parametrize("answer", ["", "None", "nonsense"])
def test_without_an_answer_the_error_says_what_to_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str
) -> None:
    """Nothing is guessed."""
    monkeypatch.setattr(sys, "executable", python(tmp_path, answer))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError) as caught:
        ask_pip()

    assert "set url = " in caught.value.remedy


def test_a_password_in_pips_configuration_is_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it shown."""
    pytest.importorskip("pip")
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:hunter2@index.example/simple/")

    with pytest.raises(ConfigurationError) as caught:
        ask_pip()

    assert "hunter2" not in str(caught.value)
    assert "password" in caught.value.remedy
