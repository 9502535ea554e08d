"""Where a page says that bytes are, whatever way it writes that."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from entrepot.plugin import InvalidMetadata

_WEB: Final = ("http", "https")


def download_url(page_url: str, base: str, written: str) -> str:
    """Resolve the URL of a file; `base` is what the page says that its URLs start from.

    Raises `InvalidMetadata` for what cannot be downloaded from: what came over the network may not
    point into this machine's files.
    """
    url, scheme, host = "", "", None
    with suppress(ValueError):
        url = urljoin(_start(page_url, base), written)
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname
    usable = bool(host) if scheme in _WEB else scheme == "file"
    if not usable or (scheme == "file" and urlsplit(page_url).scheme != "file"):
        raise InvalidMetadata(f"{written!r:.120} is no URL to download from")
    return url


def shown_url(page_url: str, base: str, written: str | None) -> str | None:
    """Resolve a URL that is passed on to clients; None where it leads nowhere or names a user.

    One that is absolute stays as it is, byte for byte.
    """
    if not written:
        return None
    with suppress(ValueError):
        url = written if urlsplit(written).scheme else urljoin(_start(page_url, base), written)
        parts = urlsplit(url)
        if parts.scheme in _WEB and parts.hostname and "@" not in parts.netloc:
            return url
    return None


def document_url(page_url: str, base: str, written: str) -> str:
    """Resolve the URL of a document that clients may be led to; from a folder of files, also one in it.

    Raises `InvalidMetadata` for one that leads nowhere or names a user.
    """
    shown = shown_url(page_url, base, written)
    if shown is not None:
        return urldefrag(shown).url
    url = download_url(page_url, base, written)
    if urlsplit(url).scheme in _WEB:
        raise InvalidMetadata("its address names a user, or leads nowhere")
    return url


def folder_url(url: str | None) -> str | None:
    """Let a URL end where what is below it can be named."""
    return None if url is None else f"{url.rstrip('/')}/"


def beside(url: str, suffix: str) -> str:
    """Say where a file's companion is: its path with a suffix, whatever follows the path."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}{suffix}"))


@lru_cache(maxsize=64)
def _start(page_url: str, base: str) -> str:
    """What the relative URLs of a page start from: the same for all its files, thousands on some."""
    return urljoin(page_url, base)
