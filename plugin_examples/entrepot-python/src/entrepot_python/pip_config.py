"""Makes repositories of the indexes that pip is configured with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from entrepot.plugin import ConfigurationError, ImportContext, Imported, safe_url
from entrepot_python.pip_index import ask_pythons

#: Which keys of a repository what pip knows of a connection becomes.
_CONNECTION: Final = {"cert": "ca_file", "client_cert": "client_cert", "proxy": "proxy"}

#: Makes pip say what its files, environment and defaults come to for `pip install`, and which files it read.
_QUESTION: Final = """
import json
from pip._internal.commands import create_command
told = create_command("install").parser.get_default_values()
names = "index_url extra_index_urls no_index find_links trusted_hosts cert client_cert proxy".split()
print(json.dumps({name: getattr(told, name, None) for name in names}))
"""
_HOST: Final = re.compile(r"https://(?:[^/@]*@)?([a-z0-9.-]+)")
_WHERE: Final = "what pip is configured with (pip config debug)"


def import_pip_config(context: ImportContext) -> list[Imported]:
    """Make a repository of the index that pip uses, and of each further one.

    What has a password in it is handed on as it is: it is taken out of the URL before it is written.
    """
    said = _settings(context.environ)
    indexes = [said.get("index_url"), *(said.get("extra_index_urls") or [])]
    urls = [url for url in dict.fromkeys(indexes) if isinstance(url, str) and url]
    if said.get("no_index") or not urls:
        raise ConfigurationError(
            "pip is told to use no index, so there is none to mirror",
            where=_WHERE,
            remedy="add one by hand: entrepot add NAME --type python --url https://index.example/simple/",
        )
    for url in urls:
        if url.partition(":")[0].lower() not in ("http", "https", "file"):
            raise ConfigurationError(
                f"{safe_url(url)!r:.120} is no index that can be mirrored", where=_WHERE, remedy="pip config edit"
            )
    connection = {key: value for name, key in _CONNECTION.items() if (value := _usable(name, said.get(name)))}
    return [Imported(url=url, table=connection, place=_WHERE, notes=tuple(_notes(url, urls, said))) for url in urls]


def _settings(environ: Mapping[str, str]) -> dict[str, Any]:
    for answer in ask_pythons(_QUESTION, environ=environ):
        try:
            said = json.loads(answer)
        except ValueError:
            continue
        if isinstance(said, dict):
            return said
    raise ConfigurationError(
        "no pip on this machine could be asked what it is configured with",
        where=_WHERE,
        remedy="see whether this works: python3 -m pip config list",
    )


def _usable(name: str, value: object) -> str | None:
    if not isinstance(value, str) or (name == "proxy" and "@" in value):
        return None
    return value or None


def _notes(url: str, urls: list[str], said: Mapping[str, Any]) -> Iterator[str]:
    found = _HOST.match(url.lower())
    host = found[1] if found else ""
    trusted = {str(each).partition(":")[0] for each in said.get("trusted_hosts") or []}
    if host in trusted:
        yield f"pip trusts {host} whatever its certificate; entrepot checks it: set ca_file where it is of its own"
    if "@" in (said.get("proxy") or ""):
        yield "pip's proxy has a password in it and is left out: write proxy, without one, for the repository"
    if said.get("find_links"):
        yield "what pip finds by find-links is left out"
    if len(urls) > 1:
        yield "pip takes a project from whichever of its indexes has it; here each is a repository of its own"
