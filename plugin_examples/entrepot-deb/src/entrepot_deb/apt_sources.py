"""Makes repositories of what apt is configured with."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from entrepot.plugin import ConfigurationError, ImportContext, Imported, safe_url
from entrepot_deb.apt_entries import AptEntry, read_entries
from entrepot_deb.layout import is_flat

_PATIENCE: Final = 30.0
_HERE = re.compile(r"(?:file|copy):/+")
_HOST = re.compile(r"[a-z]+://(?:[^/@]*@)?([a-z0-9.-]+)")
_ARMOUR: Final = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


@attrs.frozen
class _Alike:
    """What all entries of one repository share."""

    url: str
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    signed_by: str
    trusted: bool


def import_apt_sources(context: ImportContext) -> list[Imported]:
    """Make a repository of each URI, or several where it is not used in one way.

    Suites of one repository have the same components, architectures and keys: no key is believed for
    a suite that apt would not believe it for, and nothing is asked for that is not there. A key that
    stands in the entry itself becomes a file beside the configuration. Entries without architectures
    are read as apt does: for that of this machine.
    """
    file = Path(context.given)
    native = _native(context.environ)
    together: dict[_Alike, list[AptEntry]] = {}
    left_out: list[str] = []
    for entry in read_entries(file):
        for uri in entry.uris:
            url = _HERE.sub("file:///", uri)
            if url.partition(":")[0].lower() not in ("http", "https", "file"):
                left_out.append(f"line {entry.line}: {safe_url(url)!r:.120} is left out: no web address, nor a folder")
                continue
            together.setdefault(_alike(entry, url, native), []).append(entry)
    if left_out and not together:
        raise ConfigurationError(left_out[0], where=str(file), remedy="name a file with an archive on the web")
    found = [_imported(alike, entries, context, file, native) for alike, entries in together.items()]
    return [*found[:-1], *(attrs.evolve(last, notes=(*last.notes, *left_out)) for last in found[-1:])]


def _alike(entry: AptEntry, url: str, native: str) -> _Alike:
    architectures = entry.architectures or ((native,) if native else ())
    if is_flat(entry.suites[0]):
        architectures = ()  # one list has them all
    return _Alike(f"{url.rstrip('/')}/", entry.components, architectures, entry.signed_by, entry.trusted)


def _imported(alike: _Alike, entries: Sequence[AptEntry], context: ImportContext, file: Path, native: str) -> Imported:
    keyring, files = _keyring(alike, context.folder)
    suites = dict.fromkeys(suite.replace("$(ARCH)", native) for entry in entries for suite in entry.suites)
    options: dict[str, Any] = {
        "suites": list(suites),
        "components": list(alike.components),
        "architectures": list(alike.architectures),
        "keyring": keyring,
        "unsigned": "allow" if alike.trusted else None,
        "sources": True if any("deb-src" in entry.types for entry in entries) else None,
    }
    return Imported(
        url=alike.url,
        options={name: value for name, value in options.items() if value},
        place=f"{file}, line {entries[0].line}",
        notes=tuple(_notes(alike, entries, keyring, native)),
        files=files,
    )


def _keyring(alike: _Alike, folder: Path) -> tuple[str, Mapping[Path, str]]:
    """Say where the keys are; empty where no one file has them."""
    said = alike.signed_by
    if said.startswith(_ARMOUR):
        # An empty line is a dot there, as everywhere in such paragraphs.
        text = "".join(f"{'' if line == '.' else line}\n" for line in said.split("\n"))
        host = _HOST.match(alike.url.lower())
        name = f"{host[1] if host else 'key'}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.asc"
        path = (folder / "keyrings" / name).absolute()
        return str(path), {path: text}
    return (said, {}) if said.startswith("/") and len(said.split()) == 1 else ("", {})


def _notes(alike: _Alike, entries: Sequence[AptEntry], keyring: str, native: str) -> Iterator[str]:
    if alike.trusted:
        yield 'apt checks no signature of it (trusted), so entrepot checks none either: unsigned = "allow"'
    elif not keyring:
        named = f"Signed-By is {' '.join(alike.signed_by.split())!r:.120}" if alike.signed_by else "it has no Signed-By"
        yield f"{named}, so the keyring that was given counts"
    if not any(entry.architectures or is_flat(entry.suites[0]) for entry in entries):
        of_all = "no dpkg told which architecture this machine has, so all are mirrored"
        yield f"architectures are that of this machine, {native}: the file names none" if native else of_all
    if not any("deb" in entry.types for entry in entries):
        yield "it lists sources alone, and binary packages are mirrored as well"
    for name in dict.fromkeys(name for entry in entries for name in entry.others):
        yield f"what it says of {name!r:.40} is left aside"


def _native(environ: Mapping[str, str]) -> str:
    """Ask dpkg for which architecture apt would fetch; empty where there is none."""
    dpkg = shutil.which("dpkg", path=environ.get("PATH", ""))
    if dpkg is None:
        return ""
    try:
        asked = subprocess.run(  # noqa: S603  # a constant question to a program of this machine
            [dpkg, "--print-architecture"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
            env=dict(environ),
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    answer = asked.stdout.strip()
    return answer if asked.returncode == 0 and re.fullmatch(r"[a-z0-9-]+", answer) else ""
