"""One repository's table, checked key by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from entrepot.assembly.request import OnError
from entrepot.errors import ConfigurationError, safe_url
from entrepot.model.remote import Policy, Politeness
from entrepot.settings.mistakes import Mismatch, found_as, together, unknown_key
from entrepot.settings.secret_source import SecretSource
from entrepot.settings.share import Share, usual_guard
from entrepot.settings.structure import make_converter, structure
from entrepot.settings.values import UPLOAD_LIMIT, AccessTable, RepositorySettings, Surroundings

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_MAY_BE_ZERO = {"retries", "min_throughput"}


@attrs.frozen(kw_only=True)
class RepositoryTable:
    """The keys of a repository that are not about reaching its upstream."""

    type: str
    url: str | None = None
    policy: Policy = "immediate"
    mirror: bool = False
    keep_versions: int | None = None
    on_error: OnError = "fail"
    guard_loss: Share = attrs.field(factory=usual_guard)
    private: bool = False
    pull_through: bool = False
    read_token: SecretSource | None = None
    uploads: bool = False
    upload_token: SecretSource | None = None
    upload_limit: int = UPLOAD_LIMIT
    options: Mapping[str, Any] = attrs.field(factory=dict)
    plugins: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)


REPOSITORY_KEYS = tuple(
    field.name for table in (RepositoryTable, AccessTable, Politeness) for field in attrs.fields(table)
)


def check_name(name: str, where: str) -> None:
    """Refuse what is not safe everywhere a repository's name stands: URLs, file names, command lines."""
    if not _NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64].rstrip("-._")
        raise ConfigurationError(
            f"{name!r} cannot be the name of a repository: it takes a-z, 0-9, '.', '_' and '-', at most 64 of them, "
            "the first and last a letter or digit",
            where=where,
            remedy=f"name it {better or 'tools'!r}",
        )


def read_repository(name: str, raw: Any, *, file: str, surroundings: Surroundings) -> RepositorySettings:
    """Read one table, and tell all that is wrong with it at once; `file` is where it stands."""
    where = f"{file}, repositories.{name}"
    check_name(name, where)
    if not isinstance(raw, Mapping):
        raise Mismatch("a table", raw).at(where)
    wrong: list[Exception] = [unknown_key(key, REPOSITORY_KEYS, where) for key in sorted(raw.keys() - REPOSITORY_KEYS)]
    converter = make_converter(surroundings.environ)
    read: dict[type, Any] = {}
    for table in (RepositoryTable, AccessTable, Politeness):
        part = {field.name: raw[field.name] for field in attrs.fields(table) if field.name in raw}
        try:
            read[table] = structure(table, part, where=where, converter=converter)
        except (ConfigurationError, ExceptionGroup) as error:
            wrong.append(error)
    wrong.extend(_out_of_range(read, where))
    wrong.extend(_not_absolute(read.get(RepositoryTable), where))
    wrong.extend(_malformed(read.get(RepositoryTable), where))
    wrong.extend(_token_of_what_is_public(read.get(RepositoryTable), where))
    wrong.extend(_uploads_beside(read.get(RepositoryTable), where))
    if wrong:
        raise together(wrong, where)
    return RepositorySettings(
        name=name,
        place=where,
        access=read[AccessTable],
        politeness=read[Politeness],
        surroundings=surroundings,
        **attrs.asdict(read[RepositoryTable], recurse=False),
    )


def _out_of_range(read: Mapping[type, Any], where: str) -> list[Exception]:
    """Numbers with which nothing would ever be asked for, or no version kept."""
    numbers = {
        **(attrs.asdict(read[Politeness]) if Politeness in read else {}),
        "keep_versions": getattr(read.get(RepositoryTable), "keep_versions", None),
        "upload_limit": getattr(read.get(RepositoryTable), "upload_limit", None),
    }
    return [
        ConfigurationError(
            f"expected a number {'of at least' if key in _MAY_BE_ZERO else 'above'} 0, found {found_as(value)}",
            where=f"{where}.{key}",
            remedy=f"take {key} out for its default, or raise it",
        )
        for key, value in numbers.items()
        if value is not None and not (value > 0 or (value == 0 and key in _MAY_BE_ZERO))
    ]


def _not_absolute(table: RepositoryTable | None, where: str) -> list[Exception]:
    if table is None or table.url is None or _SCHEME.match(table.url):
        return []
    better = Path(table.url).absolute().as_uri() if table.url.startswith((".", "/", "~")) else f"https://{table.url}"
    return [
        ConfigurationError(
            f"expected a whole URL, found {found_as(safe_url(table.url))}",
            where=f"{where}.url",
            remedy=f'write url = "{safe_url(better)}"',
        )
    ]


def _malformed(table: RepositoryTable | None, where: str) -> list[Exception]:
    """A URL that is none could be written down, and would end every command that looks at it."""
    if table is None or table.url is None or not _SCHEME.match(table.url):
        return []
    why = ""
    try:
        parts = urlsplit(table.url)
        if parts.scheme in ("http", "https") and not parts.hostname:
            why = "it names no host"
        elif parts.scheme == "file" and parts.netloc not in ("", "localhost"):
            why = "a file of another host cannot be read"
        elif (parts.port or 0) < 0 or re.search(r"[\s\x00-\x1f\x7f]", table.url):
            why = "it has a space or another character that no URL has"
    except ValueError:  # which may quote a password
        why = "its host or its port cannot be read"
    remedy = "write it as https://HOST/PATH or file:///PATH, and percent-encode what a URL cannot have"
    return [ConfigurationError(f"this URL cannot be used: {why}", where=f"{where}.url", remedy=remedy)] if why else []


def _token_of_what_is_public(table: RepositoryTable | None, where: str) -> list[Exception]:
    """Somebody who writes a token down believes that it is asked for."""
    if table is None or table.read_token is None or table.private:
        return []
    return [
        ConfigurationError(
            "a token says who may read a private repository, and everybody may read this one",
            where=f"{where}.read_token",
            remedy="write private = true, or take read_token out",
        )
    ]


def _uploads_beside(table: RepositoryTable | None, where: str) -> list[Exception]:
    """A name that upstream may give to anybody must not be taken for one of our own, or the reverse."""
    if table is None:
        return []
    if not table.uploads:
        if table.upload_token is None:
            return []
        what, key = "a token says who may upload, and this repository takes no uploads", "upload_token"
        return [ConfigurationError(what, f"{where}.{key}", "write uploads = true, or take upload_token out")]
    return [
        ConfigurationError(
            f"a repository that takes uploads has no {key}: whoever owns a name upstream could stand in for yours",
            where=f"{where}.{key}",
            remedy=f"take {key} out, and mirror in a repository of its own beside this one",
        )
        for key in ("url", "pull_through", "mirror")
        if getattr(table, key)
    ]
