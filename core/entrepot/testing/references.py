"""What published pages refer to, as far as core can read them: links of HTML, URLs of JSON."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from entrepot.catalog.audit import PublishedRow
from entrepot.depot import Depot

_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_HOST = "http://depot.invalid"


def broken_references(depot: Depot, name: str, number: int) -> Iterator[str]:
    """References of a version's pages into the repository itself that lead nowhere."""
    root = f"/{name}/"
    for row in depot.catalog.audit.published(name, number):
        for reference in _references(row, _body(depot, row)):
            url = urlsplit(urljoin(f"{_HOST}{root}{row.relative_path}", reference))
            if url.netloc != urlsplit(_HOST).netloc:
                continue
            path = unquote(url.path)
            if not path.startswith(root):
                yield f"{name}@{number}: {row.relative_path} refers out of its repository: {reference}"
            elif not _is_there(depot, name, number, path.removeprefix(root)):
                yield f"{name}@{number}: {row.relative_path} refers to what is not there: {reference}"


def _is_there(depot: Depot, name: str, number: int, path: str) -> bool:
    reader = depot.catalog.reader
    if not path or reader.locate(name, number, path):
        return True
    folder = path if path.endswith("/") else f"{path}/"
    return bool(reader.locate(name, number, folder) or reader.children(name, number, folder, limit=1))


def _body(depot: Depot, row: PublishedRow) -> bytes:
    if row.stored:
        with depot.storage.open(row.sha256) as file:
            return file.read()
    return depot.catalog.audit.body(row.sha256)


def _references(row: PublishedRow, body: bytes) -> Iterator[str]:
    kind = row.media_type.partition(";")[0].strip()
    if kind.endswith("html"):
        yield from (html.unescape(link) for link in _LINK.findall(body.decode(errors="replace")))
    elif kind.endswith("json"):
        yield from _urls(json.loads(body))


def _urls(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "url" and isinstance(inner, str):
                yield inner
            else:
                yield from _urls(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _urls(inner)
