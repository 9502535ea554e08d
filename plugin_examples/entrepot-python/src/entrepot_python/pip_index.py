"""Asks pip which index it uses, for repositories that name none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from entrepot.plugin import ConfigurationError

#: Makes pip read its configuration files, environment and defaults, and say what came of it.
_QUESTION = """
from pip._internal.commands import create_command
print(create_command("install").parser.get_default_values().index_url)
"""

_PATIENCE = 30.0

_REMEDY = 'set url = "https://index.example/simple/" for the repository'


def ask_pip() -> str:
    """Return the URL of the index that pip on this machine would use.

    The running Python's own pip is asked first, then that of other Pythons on the path. Raises
    `ConfigurationError` when none answers, or when the URL has a password in it: secrets of
    pip's configuration are not taken over.
    """
    for url in ask_pythons(_QUESTION):
        if urlsplit(url).scheme in ("http", "https", "file"):
            return _without_secrets(url)
    raise ConfigurationError(
        "the repository names no url, and no pip on this machine could be asked for its index",
        where=f"Python {sys.executable}",
        remedy=_REMEDY,
    )


def ask_pythons(question: str, *, environ: Mapping[str, str] | None = None) -> Iterator[str]:
    """Have each Python of this machine run a question; yield what it printed.

    The running one is first. One that fails, as without a pip, printed nothing. `environ` is theirs;
    without it, ours is.
    """
    for python in _pythons(environ):
        yield _answer(python, question, environ)


def _pythons(environ: Mapping[str, str] | None) -> Iterator[str]:
    path = None if environ is None else environ.get("PATH", "")
    yield sys.executable
    yield from (
        found for name in ("python3", "python") if (found := shutil.which(name, path=path)) and found != sys.executable
    )


def _answer(python: str, question: str, environ: Mapping[str, str] | None) -> str:
    try:
        asked = subprocess.run(  # noqa: S603  the question is a constant, and a Python of this machine answers it
            [python, "-c", question], capture_output=True, text=True, check=False, timeout=_PATIENCE, env=environ
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _without_secrets(url: str) -> str:
    if "@" in urlsplit(url).netloc:
        raise ConfigurationError(
            "pip's configuration has a user name or password in the URL of its index",
            where="pip config list",
            remedy=f"{_REMEDY}, with username and password = {{ env = ... }} beside it",
        )
    return url
