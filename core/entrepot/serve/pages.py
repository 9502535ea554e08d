"""Pages for people: what there is, and how to use it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import attrs

if TYPE_CHECKING:
    from entrepot.catalog.reader import CatalogReader
    from entrepot.catalog.rows import RepositoryRow, VersionRow
    from entrepot.serve.lookup import Listing
    from entrepot.serve.target import Target
    from entrepot.settings.values import CombinedSettings

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .8rem .3rem 0 }
th { border-bottom: 2px solid #ccc } td { border-bottom: 1px solid #eee; vertical-align: top }
code { background: #f4f4f4; padding: .1rem .3rem } a { color: #0645ad }
"""

#: Versions of each repository that the front page names.
_NEWEST: Final = 10


@attrs.frozen
class Overview:
    """What the front page shows of one repository."""

    repository: RepositoryRow
    newest: Sequence[VersionRow]


def overview(reader: CatalogReader) -> list[Overview]:
    """Read what the front page shows; runs on a thread of the catalog's."""
    rows = [row for row in reader.repositories() if not row.private]
    return [Overview(row, reader.versions(row.name)[::-1][:_NEWEST]) for row in rows]


def front_page(
    repositories: Sequence[Overview], usage: Callable[[str, str], str | None], combined: Sequence[CombinedSettings] = ()
) -> str:
    """List the public repositories, their newest versions, and how to use each; then combinations.

    `usage` takes a name and a repository type.
    """
    if not repositories:
        return _page("entrepot", "<p>There are no repositories yet. Make one with <code>entrepot add</code>.</p>")
    head = "<tr><th>repository</th><th>type</th><th>latest</th><th>content</th><th>versions</th></tr>"
    rows = "".join(_row(entry, usage(entry.repository.name, entry.repository.type)) for entry in repositories)
    together = "".join(_combination(each, usage(each.name, each.type)) for each in combined)
    return _page("entrepot", f"<table>{head}{rows}</table>{together}")


def listing_page(target: Target, listing: Listing) -> str:
    """List what is in a folder that has no page of its own."""
    where = f"{target.written}/{target.path or ''}"
    up = '<p><a href="../">up</a></p>'
    names = "".join(f'<li><a href="./{quote(name)}">{escape(name)}</a></li>' for name in listing.names)
    more = ""
    if listing.more:
        more = f'<p><a href="?{escape(urlencode({"after": listing.names[-1]}))}">more</a></p>'
    return _page(where, f"{up}<ul>{names}</ul>{more}")


def _row(entry: Overview, usage: str | None) -> str:
    row = entry.repository
    name = escape(row.name)
    latest = "none yet" if row.completed is None else escape(_moment(row.completed))
    how = _how(usage if row.latest is not None else None)
    link = f'<a href="./{quote(row.name)}/">{name}</a>' if row.latest is not None else name
    versions = " ".join(
        f'<a href="./{quote(f"{row.name}@{version.number}", safe="@")}/">{version.number}</a>'
        for version in entry.newest
    )
    return (
        f"<tr><td>{link}{how}</td><td>{escape(row.type)}</td><td>{latest}</td>"
        f"<td>{row.members}</td><td>{versions}</td></tr>"
    )


def _combination(said: CombinedSettings, usage: str | None) -> str:
    name, members = escape(said.name), ", then ".join(map(escape, said.repositories))
    return f'<p><a href="./{quote(said.name)}/">{name}</a>: from {members}{_how(usage)}</p>'


def _how(usage: str | None) -> str:
    return f"<br><code>{escape(usage)}</code>" if usage else ""


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _page(title: str, content: str) -> str:
    shown = escape(title)
    head = f'<meta charset="utf-8"><title>{shown}</title><style>{STYLE}</style>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body><h1>{shown}</h1>{content}</body></html>\n"
