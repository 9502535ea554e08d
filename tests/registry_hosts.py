"""The hosts of the registries that this machine's package clients use, asked of the clients."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

_URL = re.compile(r"(?:https?|ftp)://[^\s'\"<>()\[\]]+")
_SAFE = re.compile(r"^(localhost|127\..*|::1|.*\.(example|invalid|test|localhost)|.*example\.(com|net|org))$")
_VARIABLES = re.compile(r"^(PIP|UV|NPM|NPM_CONFIG)_.*(INDEX|REGISTRY|LINKS)", re.IGNORECASE)


def registry_hosts() -> frozenset[str]:
    """Collect the host names, without what always means this machine or nobody's."""
    hosts = {(urlsplit(url).hostname or "").lower() for text in _answers() for url in _URL.findall(text)}
    return frozenset(host for host in hosts if "." in host and not _SAFE.match(host))


def _answers() -> Iterator[str]:
    yield from (value for name, value in os.environ.items() if _VARIABLES.match(name))
    for pip in _pips():
        if told := _lines_about("index-url", _output([*pip, "install", "--help"])):
            yield told
            yield _output([*pip, "config", "list"])
            break
    yield _lines_about("index", _output(["uv", "pip", "install", "--help"]))
    yield _output(["npm", "config", "get", "registry"])
    for sources in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if sources.is_file():
            yield sources.read_text(encoding="utf-8", errors="replace")


def _pips() -> Iterator[list[str]]:
    """Name the ways to call pip: a virtual environment may have been made without it."""
    yield [sys.executable, "-m", "pip"]
    yield [str(Path(sys.base_prefix) / "bin" / "python3"), "-m", "pip"]
    yield ["pip"]


def _lines_about(option: str, text: str) -> str:
    """Keep an option's help, and the two lines into which it may run over."""
    lines = text.splitlines()
    return "\n".join("".join(lines[i : i + 3]) for i, line in enumerate(lines) if f"--{option}" in line)


def _output(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    environment = {**os.environ, "COLUMNS": "500", "NO_COLOR": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
