"""Reads a project's page in HTML (PEP 503, 592, 629, 658, 708, 714, 740, 792)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote, urlsplit

from entrepot.plugin import InvalidMetadata
from entrepot_python.content import CoreMetadata
from entrepot_python.project_page import Entry, ListedFile, ProjectPage, check_api_version

#: What a distribution file may end with; other links on a page are not about files.
_FILE = re.compile(r"\.(whl|tar\.(gz|bz2|xz|lz|Z)|tgz|tbz|zip|egg|exe|msi|rpm|deb|dmg)$")
_GPG_SIG = {"true": True, "false": False}
_HASH = re.compile(r"(?:^|&)((?:sha|md5|blake)[a-z0-9_]*)=([^&]*)")

#: Characters that are read at a time, and of one tag, at most.
_PIECE: Final = 64 * 1024
_LONGEST: Final = 256 * 1024

Attributes = dict[str, str | None]


class Links(HTMLParser):
    """Collects what the simple API puts into HTML: links, their base, and `pypi:` facts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[Attributes] = []
        self.facts: dict[str, list[str]] = {}
        self.base = ""

    def take(self, text: str) -> None:
        """Read on; a tag that does not end within bounds is `InvalidMetadata`.

        What has no end yet is gone through again at every piece.
        """
        for at in range(0, len(text), _PIECE):
            try:
                self.feed(text[at : at + _PIECE])
            except AssertionError as error:  # of html.parser: a marked section that it does not know
                raise _broken(f"{error!s:.120}") from error
            if len(self.rawdata) > _LONGEST:
                raise _broken("it has a tag without end")

    def finish(self) -> None:
        """Refuse a page that breaks off.

        The parser's own end would go through all that is left for each tag in it.
        """
        if "<" in self.rawdata:
            raise _broken("it ends in the middle of a tag")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag that the simple API gives a meaning."""
        found = dict(attrs)
        match tag:
            case "a" if found.get("href"):
                self.links.append(found)
            case "base":
                self.base = self.base or found.get("href") or ""
            case "meta":
                name, content = found.get("name") or "", found.get("content") or ""
                if name.startswith("pypi:") and content:
                    self.facts.setdefault(name.removeprefix("pypi:"), []).append(content)

    def fact(self, name: str) -> str | None:
        """The first value of a `pypi:` fact."""
        return self.facts.get(name, [None])[0]


def _broken(why: str) -> InvalidMetadata:
    return InvalidMetadata(
        f"the page cannot be read: {why}", remedy="sync again; if it stays so, report it to whoever runs the index"
    )


def as_text(body: bytes) -> str:
    """Decode a page; anything but UTF-8 is `InvalidMetadata`."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidMetadata(
            f"the page is not in UTF-8: {error}", remedy="report it to whoever runs the index"
        ) from error


def read_html(body: bytes) -> ProjectPage:
    """Read a page; links that do not lead to distribution files are passed over."""
    page = Links()
    page.take(as_text(body))
    page.finish()
    check_api_version(page.fact("repository-version"))
    return ProjectPage(
        name=None,
        entries=tuple(entry for link in page.links if (entry := _entry(link)) is not None),
        status=page.fact("project-status"),
        status_reason=page.fact("project-status-reason"),
        tracks=tuple(page.facts.get("tracks", ())),
        alternate_locations=tuple(page.facts.get("alternate-locations", ())),
        base=page.base,
        api_version=page.fact("repository-version"),
    )


def _entry(link: Attributes) -> Entry | None:
    url, _, fragment = (link["href"] or "").strip().partition("#")
    filename = _filename(url)
    if filename is None:
        return None
    return ListedFile(
        filename=filename,
        url=url,
        hashes=dict(_HASH.findall(fragment)),
        requires_python=link.get("data-requires-python"),
        yanked=(link["data-yanked"] or True) if "data-yanked" in link else False,
        core_metadata=_core_metadata(link),
        gpg_sig=_GPG_SIG.get((link.get("data-gpg-sig") or "").strip().lower()),
        provenance=link.get("data-provenance") or None,
    )


def _filename(url: str) -> str | None:
    try:
        name = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return None
    return name if _FILE.search(name) else None


def _core_metadata(link: Attributes) -> CoreMetadata:
    for attribute in ("data-core-metadata", "data-dist-info-metadata"):
        said = link.get(attribute)
        if said is not None:
            return dict(_HASH.findall(said)) or said.strip().lower() == "true" or None
    return None
