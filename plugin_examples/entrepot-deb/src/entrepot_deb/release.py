"""Reads a Release file: what a suite has, and the digests of its indices."""

from __future__ import annotations

import datetime
import email.utils
import io
import itertools
import re
from collections.abc import Mapping
from typing import Final

import attrs

from entrepot.plugin import InvalidMetadata, InvalidPath, relative_path
from entrepot_deb.paragraphs import Paragraph, read_paragraphs

_ENTRY = re.compile(r"(?P<sha256>[0-9a-fA-F]{64})[ \t]+(?P<size>[0-9]{1,15})[ \t]+(?P<path>\S+)")

#: Files of one suite; the largest archives list some thousand.
_MOST_FILES: Final = 100_000


#: What describes a suite and is as true of a part of it.
_SAID: Final = ("Origin", "Label", "Suite", "Version", "Description", "NotAutomatic", "ButAutomaticUpgrades")


@attrs.frozen
class ListedIndex:
    """An index as Release lists it; `path` is below the suite's folder."""

    path: str
    sha256: str
    size: int


@attrs.frozen(kw_only=True)
class Release:
    """A suite, as its Release file tells it (Debian wiki, RepositoryFormat)."""

    codename: str
    date: str
    moment: datetime.datetime
    valid_until: str
    expires: datetime.datetime | None
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    by_hash: bool
    said: Mapping[str, str]
    indices: Mapping[str, ListedIndex]


def read_release(text: bytes, *, what: str) -> Release:
    """Read one; `InvalidMetadata` names `what` where it lacks a date or digests that can be trusted."""
    paragraphs = list(itertools.islice(read_paragraphs(io.BytesIO(text), what=what), 2))
    if len(paragraphs) != 1:
        raise _broken(what, "it is not one paragraph")
    (paragraph,) = paragraphs
    date, valid_until = paragraph.get("Date") or "", paragraph.get("Valid-Until") or ""
    return Release(
        codename=paragraph.get("Codename") or "",
        date=date,
        moment=_moment(date, "Date", what),
        valid_until=valid_until,
        expires=_moment(valid_until, "Valid-Until", what) if valid_until else None,
        # Some archives write the folder before a component: dists/stable/updates has updates/main.
        components=tuple(
            dict.fromkeys(name.rpartition("/")[2] for name in (paragraph.get("Components") or "").split())
        ),
        architectures=tuple(dict.fromkeys((paragraph.get("Architectures") or "").split())),
        by_hash=(paragraph.get("Acquire-By-Hash") or "").lower() == "yes",
        said={name: value for name in _SAID if (value := paragraph.get(name)) and "\n" not in value},
        indices=_indices(paragraph, what),
    )


def _indices(paragraph: Paragraph, what: str) -> dict[str, ListedIndex]:
    if paragraph.get("SHA256") is None:
        raise _broken(what, "it has no SHA256, and weaker digests are not believed")
    found: dict[str, ListedIndex] = {}
    lines = paragraph.lines("SHA256")
    if len(lines) > _MOST_FILES:
        raise _broken(what, f"it lists more than {_MOST_FILES} files")
    for line in lines:
        entry = _ENTRY.fullmatch(line)
        if entry is None:
            raise _broken(what, f"{line!r:.120} is no digest, size and path")
        path = _checked(entry["path"], what)
        index = ListedIndex(path, entry["sha256"].lower(), int(entry["size"]))
        if found.setdefault(path, index) != index:
            raise _broken(what, f"{path!r:.120} has two digests")
    return found


def _checked(path: str, what: str) -> str:
    try:
        return relative_path(path)
    except InvalidPath as error:
        raise _broken(what, error.what) from None


def _moment(text: str, field: str, what: str) -> datetime.datetime:
    """Read a date as Release has it (RFC 2822, in UTC)."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise _broken(what, f"its {field} is {text!r:.80}, which is no date") from None


def _broken(what: str, why: str) -> InvalidMetadata:
    return InvalidMetadata(
        f"a Release file cannot be used: {why}",
        where=what,
        remedy="sync again; if it stays so, report it to whoever runs the archive",
    )
