"""Doctor: whether this machine and this depot are fit for work."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING

import importlib_metadata

from entrepot.catalog.engines import engine_versions, needs_one_writer
from entrepot.depot import open_depot
from entrepot.depot.combination import make_combination
from entrepot.errors import EntrepotError, safe_url
from entrepot.operations.allowed import allowed_unasked
from entrepot.operations.finding import Finding
from entrepot.operations.home import home_findings

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.hooks.manager import Plugins
    from entrepot.settings import RepositorySettings, Settings

_LIBRARIES = ("aiohttp", "attrs", "pluggy")
_PATIENCE = 30.0


def doctor(settings: Settings, plugins: Plugins) -> Iterator[Finding]:
    """Look at everything that needs no upstream; nothing is changed."""
    yield from _software()
    yield from _plugins(plugins)
    yield from home_findings(settings.home)
    yield from _opened(settings, plugins)
    for repository in settings.repositories.values():
        yield _repository(repository, plugins)
    for name in settings.combined:
        yield _combination(settings, plugins, name)


def _software() -> Iterator[Finding]:
    libraries = {name: importlib_metadata.version(name) for name in _LIBRARIES}
    versions = {**engine_versions(), **libraries}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield Finding("software", "ok", f"Python {platform.python_version()}, {listed}")
    if needs_one_writer():
        yield Finding(
            "SQLite",
            "note",
            f"SQLite {versions['SQLite']} can corrupt its write-ahead log when two connections checkpoint at once "
            "(mended in 3.51.3); entrepot lets one process at a time write, which covers it",
            "let no other program write to the catalog",
        )


def _plugins(plugins: Plugins) -> Iterator[Finding]:
    active = [record.name for record in plugins.records if record.state == "active"]
    yield Finding("plugins", "ok", f"working: {', '.join(active)}")
    for record in plugins.records:
        if record.state == "blocked":
            yield Finding("plugins", "note", f"{record.name} is blocked")
        elif record.state == "broken":
            remedy = f"mend it, uninstall it, or leave it out: entrepot --block {record.name} ..."
            yield Finding("plugins", "bad", f"{record.name} is broken: {record.reason}", remedy)
        elif record.reason:
            yield Finding("plugins", "bad", f"{record.name}: {record.reason}", "report it to its authors")
    for conflict in plugins.conflicts:
        yield Finding.of("plugins", conflict)


def _opened(settings: Settings, plugins: Plugins) -> Iterator[Finding]:
    try:
        with open_depot(settings, plugins) as depot:
            repositories = depot.catalog.reader.repositories()
    except EntrepotError as error:
        yield Finding.of("depot", error)
    else:
        versions = sum(row.versions for row in repositories)
        yield Finding("depot", "ok", f"opens; repositories: {len(repositories)}, versions: {versions}")


def _repository(repository: RepositorySettings, plugins: Plugins) -> Finding:
    """Whether a sync could begin: its type is known, its options fit, its secrets are to be had."""
    name = f"repository {repository.name}"
    try:
        first_stage = plugins.first_stage(repository.type, where=f"{repository.place}.type")
        repository.options_as(first_stage.options)
        plugins.check_tables(repository.plugins, where=repository.place)
        _ = repository.access
        token, upload_token = repository.read_token, repository.upload_token
    except EntrepotError as error:
        return Finding.of(name, error)
    except ExceptionGroup as group:
        return Finding(name, "bad", "; ".join(str(error).splitlines()[0] for error in group.exceptions))
    if repository.private and token is None:
        what = "it is private and has no read_token: `entrepot serve` shows it to nobody"
        return Finding(name, "note", what, f'write read_token = {{ env = "NAME" }} in {repository.place}')
    if repository.uploads:
        told = f"type {repository.type}, takes uploads"
        told += "" if upload_token is not None else " of this machine alone: no upload_token"
        return Finding(name, "ok", told)
    allowed = allowed_unasked(repository)
    told = f"type {repository.type}, {repository.policy}"
    return Finding(name, "ok", told if allowed is None else f"{told}; {allowed}")


def _combination(settings: Settings, plugins: Plugins, name: str) -> Finding:
    """Whether it can be served, and to whom."""
    subject, said = f"combination {name}", settings.combination(name)
    try:
        make_combination(settings, plugins, name)
        own = said.read_token
        private = [settings.repository(each) for each in said.repositories if settings.repository(each).private]
        tokens = [repository.read_token for repository in private]
    except EntrepotError as error:
        return Finding.of(subject, error)
    if own is None and len({None if token is None else token.reveal() for token in tokens}) > 1:
        what = "its private repositories ask for different tokens, and a client can show one: nobody can read it"
        return Finding(subject, "note", what, f'write read_token = {{ env = "NAME" }} in {said.place}')
    return Finding(subject, "ok", f"served from {', then '.join(said.repositories)}")


async def reach(depot: Depot) -> list[Finding]:
    """Ask every configured upstream for its first page, all at once."""
    async with depot.workshop.downloads():
        return list(await asyncio.gather(*(_reached(depot, name) for name in depot.settings.repositories)))


async def _reached(depot: Depot, name: str) -> Finding:
    what = f"upstream of {name}"
    if depot.settings.repository(name).uploads:
        return Finding(what, "ok", "it has none: it holds what is uploaded to it")
    try:
        remote = depot.remote(name)
        async with asyncio.timeout(_PATIENCE):
            download = await remote.get_downloader(remote.url).run()
    except TimeoutError:
        return Finding(what, "note", f"did not answer whole within {_PATIENCE:.0f} s", f"entrepot sync {name}")
    except EntrepotError as error:
        return Finding.of(what, error)
    return Finding(what, "ok", f"answers: {safe_url(download.url)}")
