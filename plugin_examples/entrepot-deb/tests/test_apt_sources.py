"""Repositories of what apt is configured with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrepot.plugin import ConfigurationError, EntrepotError, ImportContext, Imported
from entrepot_deb.apt_entries import read_entries
from entrepot_deb.apt_sources import import_apt_sources

KEY = "/usr/share/keyrings/archive.gpg"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder for a machine whose dpkg says that it is an `amd64`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "dpkg").write_text("#!/bin/sh\necho amd64\n")
    (programs / "dpkg").chmod(0o755)
    return tmp_path


def imported(machine: Path, text: str, *, name: str = "sources.list") -> list[Imported]:
    """What is made of a file of apt."""
    file = machine / name
    file.write_text(text)
    context = ImportContext(given=str(file), environ={"PATH": str(machine / "bin")}, folder=machine)
    return import_apt_sources(context)


def options(**more: Any) -> dict[str, Any]:
    """The options of most entries here."""
    usual = {"suites": ["stable"], "components": ["main"], "architectures": ["amd64"], "keyring": KEY}
    return {key: value for key, value in (usual | more).items() if value}


@attrs.frozen
class Case:
    """A file of apt in one of its styles, and what becomes of it: URLs and options."""

    text: str
    found: Sequence[tuple[str, dict[str, Any]]]
    name: str = "sources.list"


URL = "http://deb.example/debian/"
CASES = {
    "one line": Case(f"deb [signed-by={KEY}] http://deb.example/debian stable main", [(URL, options())]),
    "blanks and comments": Case(
        f"# all of it\n\n  deb  [ signed-by={KEY} ]\thttp://deb.example/debian/   stable  main # contrib\n",
        [(URL, options())],
    ),
    "suites of one archive, and its sources": Case(
        f"deb [signed-by={KEY}] {URL} stable main\n"
        f"deb-src [signed-by={KEY}] {URL} stable main\n"
        f"deb [signed-by={KEY}] {URL} stable-updates main\n",
        [(URL, options(suites=["stable", "stable-updates"], sources=True))],
    ),
    "suites with other components": Case(
        f"deb [signed-by={KEY}] {URL} stable main\ndeb [signed-by={KEY}] {URL} next main contrib\n",
        [(URL, options()), (URL, options(suites=["next"], components=["main", "contrib"]))],
    ),
    "suites with other keys": Case(
        f"deb [signed-by={KEY}] {URL} stable main\ndeb [signed-by=/etc/other.asc] {URL} next main\n",
        [(URL, options()), (URL, options(suites=["next"], keyring="/etc/other.asc"))],
    ),
    "two archives": Case(
        f"deb [signed-by={KEY}] {URL} stable main\ndeb [signed-by={KEY}] https://sec.example/x stable-security main\n",
        [(URL, options()), ("https://sec.example/x/", options(suites=["stable-security"]))],
    ),
    "architectures": Case(
        f"deb [arch=arm64,armhf signed-by={KEY}] {URL} stable main", [(URL, options(architectures=["arm64", "armhf"]))]
    ),
    "trusted": Case(f"deb [trusted=yes] {URL} stable main", [(URL, options(keyring="", unsigned="allow"))]),
    "no key": Case(f"deb {URL} stable main", [(URL, options(keyring=""))]),
    "keys by fingerprint": Case(f"deb [signed-by=0123ABCD!] {URL} stable main", [(URL, options(keyring=""))]),
    "several keyrings": Case(f"deb [signed-by=/a.gpg,/b.gpg] {URL} stable main", [(URL, options(keyring=""))]),
    "a folder": Case(f"deb [signed-by={KEY}] file:/srv/deb stable main", [("file:///srv/deb/", options())]),
    "a password": Case(
        f"deb [signed-by={KEY}] https://me:pw@deb.example stable main", [("https://me:pw@deb.example/", options())]
    ),
    "a flat archive": Case(
        f"deb [signed-by={KEY}] {URL} ./\ndeb-src [signed-by={KEY}] {URL} x/$(ARCH)/\n",
        [(URL, options(suites=["./", "x/amd64/"], components=None, architectures=None, sources=True))],
    ),
    "paragraphs": Case(
        f"Types: deb deb-src\nURIs: {URL} https://two.example/\nSuites: stable next\n"
        f"Components: main\nSigned-By: {KEY}\n",
        [
            (url, options(suites=["stable", "next"], sources=True))
            for url in ("http://deb.example/debian/", "https://two.example/")
        ],
        "debian.sources",
    ),
    "paragraphs with comments, and one that is switched off": Case(
        f"# one\n#two\n\ntypes: deb\n# three\nURIs:\n  {URL}\nX: 1\nSuites: stable\nComponents: main\n#four\n"
        f"Signed-By: {KEY}\n\n\nEnabled: no\nTypes: deb\nURIs: {URL}\nSuites: x/\n",
        [(URL, options())],
        "debian.sources",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_apt_uses_becomes_repositories(machine: Path, case: Case) -> None:
    """One for each URI, and several where suites are not used in one way."""
    found = imported(machine, case.text, name=case.name)

    assert [(one.url, dict(one.options)) for one in found] == list(case.found)


def test_a_key_in_the_entry_becomes_a_file(machine: Path) -> None:
    """Named for what it says, so that no two archives share one by accident."""
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDME\n =abcd\n -----END PGP PUBLIC KEY BLOCK-----"
    text = f"Types: deb\nURIs: {URL}\nSuites: stable\nComponents: main\nSigned-By:\n {key}\n"

    (one,) = imported(machine, text, name="a.sources")
    (other,) = imported(machine, text.replace("mDME", "mDMF"), name="a.sources")

    ((path, said),) = one.files.items()
    assert said == "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    assert (str(path), path.parent) == (one.options["keyring"], machine / "keyrings")
    assert path not in other.files


NOTES = {
    "the architecture": (f"deb [signed-by={KEY}] {URL} stable main", "that of this machine, amd64"),
    "trust": (f"deb [arch=amd64 trusted=yes] {URL} stable main", "apt checks no signature"),
    "fingerprints": (f"deb [arch=amd64 signed-by=0123ABCD] {URL} stable main", "Signed-By is '0123ABCD'"),
    "no key": (f"deb [arch=amd64] {URL} stable main", "it has no Signed-By"),
    "sources alone": (
        f"deb-src [arch=amd64 signed-by={KEY}] {URL} stable main",
        "binary packages are mirrored as well",
    ),
    "nothing of a flat archive's architectures": (f"deb [lang=de signed-by={KEY}] {URL} ./", "'lang' is left aside"),
    "what is not read": (f"deb [arch=amd64 lang=de signed-by={KEY}] {URL} stable main", "'lang' is left aside"),
    "a disc": (
        f"deb cdrom:[Debian 12 amd64]/ stable main\ndeb [arch=amd64 signed-by={KEY}] {URL} stable main",
        "line 1: 'cdrom:[Debian%2012%20amd64]/' is left out",
    ),
}


@pytest.mark.parametrize(("text", "told"), NOTES.values(), ids=NOTES.keys())
def test_what_differs_from_what_apt_does_is_told(machine: Path, text: str, told: str) -> None:
    """Nobody finds out by a package that is missing."""
    (one,) = imported(machine, text)

    assert [note for note in one.notes if told in note] == list(one.notes)


def test_a_url_that_is_none_is_handed_on(machine: Path) -> None:
    """It is refused where it would be written, with the line."""
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
    text = f"Types: deb\nURIs: http://[::1/ http://a:b/\nSuites: x/\nSigned-By: {key}\n"

    found = imported(machine, text, name="a.sources")

    assert [one.url for one in found] == ["http://[::1/", "http://a:b/"]


def test_without_dpkg_all_architectures_are_mirrored(machine: Path) -> None:
    """And that is told: it may be a machine that has no apt of its own."""
    (machine / "bin" / "dpkg").unlink()

    (one,) = imported(machine, f"deb [signed-by={KEY}] {URL} stable main")

    assert "architectures" not in one.options
    assert "so all are mirrored" in one.notes[0]


WRONG = {
    "no entry": ("\n\nrpm http://a.example x y\n", "sources.list", "line 3"),
    "no suite": ("deb http://a.example\n", "sources.list", "line 1"),
    "no components": ("deb http://a.example stable\n", "sources.list", "line 1"),
    "components of a folder": ("deb http://a.example ./ main\n", "sources.list", "line 1"),
    "an option without a value": ("deb [arch] http://a.example stable main\n", "sources.list", "line 1"),
    "open brackets": ("deb [arch=amd64 http://a.example stable main\n", "sources.list", "line 1"),
    "a paragraph without URIs": ("\nTypes: deb\nSuites: x/\n", "a.sources", "line 2"),
    "another type": ("Types: rpm\nURIs: http://a.example\nSuites: x/\n", "a.sources", "line 1"),
    "a field twice": ("Types: deb\nTypes: deb\n", "a.sources", "line 2"),
    "no field": ("Types: deb\n# \nnothing\n", "a.sources", "line 3"),
    "a second line of nothing": ("# x\n  y\n", "a.sources", "line 2"),
    "nothing but discs": ("deb cdrom:[x]/ stable main\n", "sources.list", "sources.list"),
    "another name": ("deb http://a.example stable main\n", "sources", "sources"),
}


@pytest.mark.parametrize(("text", "name", "place"), WRONG.values(), ids=WRONG.keys())
def test_what_apt_would_not_read_is_refused_with_its_line(machine: Path, text: str, name: str, place: str) -> None:
    """The error names file and line."""
    with pytest.raises(ConfigurationError) as caught:
        imported(machine, text, name=name)

    assert caught.value.where.startswith(str(machine / name))
    assert caught.value.where.endswith(place)
    assert caught.value.remedy


@pytest.mark.parametrize("data", [None, b"\xff\n", b"#" * (4 * 1024**2 + 1)], ids=["none", "no text", "too large"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, data: bytes | None) -> None:
    """Whatever it is that keeps us from it."""
    file = tmp_path / "a.list"
    if data is not None:
        file.write_bytes(data)

    with pytest.raises(ConfigurationError) as caught:
        read_entries(file)

    assert caught.value.where == str(file)


@settings(deadline=None)
@given(
    text=st.text(st.sampled_from("deb [=]:#\n./xURIsTypeSuc-"), max_size=80) | st.text(max_size=80),
    name=st.sampled_from(["a.list", "a.sources"]),
)
@example(text="deb[", name="a.list")
def test_whatever_stands_there_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    """With an error of ours."""
    file = tmp_path_factory.getbasetemp() / name
    file.write_text(text, encoding="utf-8", errors="replace")

    try:
        entries = read_entries(file)
    except EntrepotError:
        return

    assert all(entry.uris and entry.suites and entry.types for entry in entries)
