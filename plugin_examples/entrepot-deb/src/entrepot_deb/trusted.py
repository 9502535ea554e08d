"""Fetches a suite's Release, and believes it where a key of the keyring has signed it."""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import io
import itertools
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import urljoin

import attrs

from entrepot.plugin import BeyondLimits, Download, IntegrityError, InvalidMetadata, NotFound, Remote, safe_url
from entrepot_deb.layout import folder_of
from entrepot_deb.release import Release, read_release
from entrepot_deb.signatures import Keyring, open_detached, open_inline, unchecked_text

#: Bytes of an InRelease or Release file; the largest there are have a tenth of it.
_LARGEST: Final = 16 * 1024**2


@attrs.frozen(kw_only=True)
class Trusted:
    """A suite's Release as it was signed, and the files that said so, by their names."""

    release: Release
    text: bytes
    files: Mapping[str, Download]
    upstream_now: datetime.datetime | None


async def fetch_release(remote: Remote, suite: str, keyring: Keyring | None) -> Trusted:
    """Fetch InRelease, else Release and Release.gpg; nothing that they name is asked for.

    Without a keyring whatever comes is taken. Beside an InRelease, Release and its signature are
    handed on where they say the same: some clients ask for them.
    """
    folder = urljoin(remote.url, folder_of(suite))
    files: dict[str, Download] = {}
    try:
        inline = files["InRelease"] = await _ask(remote, f"{folder}InRelease")
    except NotFound:
        text = await _detached(remote, folder, files, keyring)
    else:
        data = await asyncio.to_thread(inline.read)
        what = safe_url(inline.url)
        text = unchecked_text(data, what=what) if keyring is None else open_inline(data, keyring, what=what)
        beside: dict[str, Download] = {}
        with suppress(NotFound, InvalidMetadata, IntegrityError):
            await _detached(remote, folder, beside, keyring, expected=text)
            files |= beside
    first = next(iter(files.values()))
    release = read_release(text, what=safe_url(first.url))
    return Trusted(release=release, text=text, files=files, upstream_now=_clock_of(first))


async def _detached(
    remote: Remote, folder: str, files: dict[str, Download], keyring: Keyring | None, *, expected: bytes | None = None
) -> bytes:
    release = await _ask(remote, f"{folder}Release")
    text = await asyncio.to_thread(release.read)
    if expected is not None and not _say_the_same(text, expected):
        raise InvalidMetadata("the two signed files differ")
    files["Release"] = release
    try:
        signature = files["Release.gpg"] = await _ask(remote, f"{folder}Release.gpg")
    except NotFound:
        if keyring is not None:
            raise
        return text
    if keyring is None:
        return text
    data = await asyncio.to_thread(signature.read)
    return open_detached(text, data, keyring, what=safe_url(release.url))


def _say_the_same(text: bytes, other: bytes) -> bool:
    """Compare by lines; where a text is signed inline, blanks at their ends are not (RFC 9580, 7.2)."""
    lines = itertools.zip_longest(io.BytesIO(text.strip()), io.BytesIO(other.strip()), fillvalue=b"-")
    return all(one.rstrip() == another.rstrip() for one, another in lines)


async def _ask(remote: Remote, url: str) -> Download:
    download = await remote.get_downloader(url).run()
    if download.size > _LARGEST:
        raise BeyondLimits(
            f"a Release file is larger than {_LARGEST} bytes",
            where=safe_url(url),
            remedy="report it to whoever runs the archive",
        )
    return download


def _clock_of(download: Download) -> datetime.datetime | None:
    with suppress(ValueError, TypeError, OverflowError):
        said = email.utils.parsedate_to_datetime(download.headers.get("date", ""))
        return said if said.tzinfo is not None else None
    return None
