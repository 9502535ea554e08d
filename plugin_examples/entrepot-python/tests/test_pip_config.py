"""Repositories of the indexes that pip is configured with."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot.plugin import ConfigurationError, ImportContext, Imported
from entrepot_python.pip_config import import_pip_config

MAIN, MORE = "https://main.example/simple/", "https://more.example/team/main/+simple"


def imported(folder: Path, **environ: str) -> list[Imported]:
    """What is made of what pip says in an environment of its own."""
    context = ImportContext(given="", environ={"HOME": str(folder), "PATH": str(folder), **environ}, folder=folder)
    return import_pip_config(context)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Imported]]:
    """Import what a pip answers that is configured so."""

    def answered(answer: str = "", **said: Any) -> list[Imported]:
        text = answer or json.dumps({"index_url": MAIN, "extra_index_urls": [], **said})
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\necho '{text}'\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(program))
        return imported(tmp_path)

    return answered


def test_pips_own_files_and_environment_are_read(tmp_path: Path) -> None:
    """As pip reads them: the environment goes before the file, and what is found in several places adds up."""
    pytest.importorskip("pip")
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = {MAIN}\n[install]\nextra-index-url =\n    {MORE}\n    {MAIN}\n")

    from_file = imported(tmp_path, PIP_CONFIG_FILE=str(configuration))
    from_both = imported(tmp_path, PIP_CONFIG_FILE=str(configuration), PIP_INDEX_URL="https://me:pw@env.example/")

    assert [one.url for one in from_file] == [MAIN, MORE]
    assert [one.url for one in from_both] == ["https://me:pw@env.example/", MORE, MAIN]
    assert "pw" not in repr(from_both)


def test_how_pip_connects_is_taken_over(answering: Callable[..., list[Imported]]) -> None:
    """Certificates, and a proxy that needs no password."""
    (one,) = answering(
        cert="/etc/ca.pem", client_cert="/etc/me.pem", proxy="http://proxy.example:3128", trusted_hosts=[]
    )

    assert one.table == {
        "ca_file": "/etc/ca.pem",
        "client_cert": "/etc/me.pem",
        "proxy": "http://proxy.example:3128",
    }
    assert one.notes == ()


NOTES = {
    "trusted hosts": ({"trusted_hosts": ["main.example:443"]}, "pip trusts main.example"),
    "a proxy with a password": ({"proxy": "http://me:pw@proxy.example"}, "pip's proxy has a password"),
    "find-links": ({"find_links": ["/srv/wheels"]}, "find-links is left out"),
    "several indexes": ({"extra_index_urls": [MORE]}, "whichever of its indexes"),
}


@pytest.mark.parametrize(("said", "told"), NOTES.values(), ids=NOTES.keys())
def test_what_differs_from_what_pip_does_is_told(
    answering: Callable[..., list[Imported]], said: dict[str, Any], told: str
) -> None:
    """Nobody finds out by a file that is missing; and no password is told."""
    one, *_ = answering(**said)

    assert any(told in note for note in one.notes)
    assert "pw" not in repr(one)


def test_a_url_that_is_none_is_handed_on(answering: Callable[..., list[Imported]]) -> None:
    """It is refused where it would be written."""
    (one,) = answering(index_url="https://me:pw@[::1/simple", trusted_hosts=["a"])

    assert one.notes == ()


WRONG = {
    "no index": ({"no_index": True}, "no index"),
    "an empty one": ({"index_url": ""}, "no index"),
    "another scheme": ({"index_url": "ftp://me:pw@main.example/"}, "is no index that can be mirrored"),
    "no pip": ({"answer": "nothing"}, "no pip on this machine"),
    "no settings": ({"answer": "[]"}, "no pip on this machine"),
}


@pytest.mark.parametrize(("said", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_mirrored_is_refused(
    answering: Callable[..., list[Imported]], said: dict[str, Any], told: str
) -> None:
    """With where pip says what it is configured with."""
    with pytest.raises(ConfigurationError) as caught:
        answering(**said)

    assert told in caught.value.what
    assert "pip config debug" in caught.value.where
    assert "pw" not in str(caught.value)
