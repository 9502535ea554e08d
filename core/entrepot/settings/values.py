"""The configuration, read: one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from entrepot.assembly.registrations import OptionsClass
from entrepot.assembly.request import OnError
from entrepot.errors import EntrepotError, UnknownName
from entrepot.model.remote import Access, Policy, Politeness, Secret
from entrepot.settings.secret_source import SecretSource, expanded
from entrepot.settings.share import Share, usual_guard
from entrepot.settings.source import LOAD_TIMEOUT
from entrepot.settings.structure import structure_options

#: Seconds; longer than an upstream may ask us to wait, and than a plugin may well think.
STALL_TIMEOUT: Final = 600.0
LOOP_TIMEOUT: Final = 30.0

#: Bytes; larger than what is uploaded as a rule, and no more than a disk can well spare.
UPLOAD_LIMIT: Final = 1024**3


@attrs.frozen(kw_only=True)
class AccessTable:
    """`Access` as it is written: secrets are places, not values."""

    username: str | None = None
    password: SecretSource | None = None
    bearer: SecretSource | None = None
    headers: Mapping[str, str | SecretSource] = attrs.field(factory=dict)
    proxy: str | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    allow_private: bool = False
    allow_weak_digests: bool = False


@attrs.frozen(kw_only=True)
class Surroundings:
    """What a repository's secrets and paths are looked up in, when they are needed."""

    environ: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    folder: Path | None = None


@attrs.frozen(kw_only=True)
class RepositorySettings:
    """One repository as configured. Without a `url` its type's first stage decides where to look.

    `place` names file and table, for errors. `access` reads secrets each time it is asked for.
    """

    name: str
    type: str
    url: str | None = None
    policy: Policy = "immediate"
    mirror: bool = False
    keep_versions: int | None = None
    on_error: OnError = "fail"
    guard_loss: Share = attrs.field(factory=usual_guard)
    private: bool = False
    pull_through: bool = False
    uploads: bool = False
    upload_limit: int = UPLOAD_LIMIT
    options: Mapping[str, Any] = attrs.field(factory=dict)
    plugins: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    politeness: Politeness = attrs.field(factory=Politeness)
    place: str = ""
    _access: AccessTable = attrs.field(factory=AccessTable, repr=False)
    _read_token: SecretSource | None = attrs.field(default=None, repr=False)
    _upload_token: SecretSource | None = attrs.field(default=None, repr=False)
    _surroundings: Surroundings = attrs.field(factory=Surroundings, repr=False, eq=False)

    @property
    def access(self) -> Access:
        """Who we are to the upstream; a secret that cannot be had is a `ConfigurationError` here."""
        table = self._access
        plain = {
            field.name: getattr(table, field.name)
            for field in attrs.fields(AccessTable)
            if field.name not in {"password", "bearer", "headers", "ca_file", "client_cert", "client_key"}
        }
        return Access(
            password=self._secret("password", table.password),
            bearer=self._secret("bearer", table.bearer),
            headers={name: self._header(name, value) for name, value in table.headers.items()},
            ca_file=self._path(table.ca_file),
            client_cert=self._path(table.client_cert),
            client_key=self._path(table.client_key),
            **plain,
        )

    @property
    def read_token(self) -> Secret | None:
        """What a client of a private repository has to show; read anew each time, like `access`."""
        return self._secret("read_token", self._read_token)

    @property
    def upload_token(self) -> Secret | None:
        """What a client that uploads has to show; read anew each time, like `access`."""
        return self._secret("upload_token", self._upload_token)

    @property
    def allows_private(self) -> bool:
        """Whether the upstream may lead to private addresses; no secret is read for that."""
        return self._access.allow_private

    def options_as(self, cls: OptionsClass | None) -> Any:
        """The repository's own options as the class of its type; None for a type without options."""
        return structure_options(cls, self.options, where=f"{self.place}.options", environ=self.environ)

    def plugin_options_as(self, plugin: str, cls: OptionsClass) -> Any:
        """The options of one stage plugin for this repository; its defaults when none are written."""
        raw = self.plugins.get(plugin, {})
        return structure_options(cls, raw, where=f"{self.place}.plugins.{plugin}", environ=self.environ)

    @property
    def environ(self) -> Mapping[str, str]:
        """Where secrets named by a variable are to be had."""
        return self._surroundings.environ

    def _secret(self, key: str, source: SecretSource | None) -> Secret | None:
        if source is None:
            return None
        try:
            return source.resolve(self._surroundings.environ, self._surroundings.folder)
        except EntrepotError as error:
            error.at(f"{self.place}.{key}")
            raise

    def _header(self, name: str, value: str | SecretSource) -> str | Secret:
        return value if isinstance(value, str) else self._secret(f"headers.{name}", value) or ""

    def _path(self, path: Path | None) -> Path | None:
        return None if path is None else expanded(path, self._surroundings.environ, self._surroundings.folder)


@attrs.frozen(kw_only=True)
class CombinedSettings:
    """One combination as configured: `repositories` in order of rank, all of one type.

    `private` when one of them is. `read_token` is read anew each time, and None where who reads has
    to show what the private ones among them ask for.
    """

    name: str
    type: str
    repositories: tuple[str, ...]
    private: bool = False
    place: str = ""
    _read_token: SecretSource | None = attrs.field(default=None, repr=False)
    _surroundings: Surroundings = attrs.field(factory=Surroundings, repr=False, eq=False)

    @property
    def read_token(self) -> Secret | None:
        """What a client may show in place of its repositories' tokens."""
        if self._read_token is None:
            return None
        try:
            return self._read_token.resolve(self._surroundings.environ, self._surroundings.folder)
        except EntrepotError as error:
            error.at(f"{self.place}.read_token")
            raise


@attrs.frozen(kw_only=True)
class Settings:
    """Everything configured. `file` is None when there is no configuration file.

    Timeouts are seconds, and 0 is for ever: how long a sync may stand still, and take; how long
    code may hold the event loop; how long a plugin may take to load.
    """

    file: Path | None
    home: Path
    catalog: str
    storage: str
    blocked: tuple[str, ...] = ()
    executor: str = "local"
    executors: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    stall_timeout: float = STALL_TIMEOUT
    sync_timeout: float = 0.0
    loop_timeout: float = LOOP_TIMEOUT
    load_timeout: float = LOAD_TIMEOUT
    repositories: Mapping[str, RepositorySettings] = attrs.field(factory=dict)
    combined: Mapping[str, CombinedSettings] = attrs.field(factory=dict)
    _environ: Mapping[str, str] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def environ(self) -> Mapping[str, str]:
        """Where secrets named by a variable are to be had."""
        return self._environ

    def repository(self, name: str) -> RepositorySettings:
        """One repository by name; `UnknownName` says which there are."""
        try:
            return self.repositories[name]
        except KeyError:
            file = str(self.file or "entrepot.toml")
            remedy = "" if self.repositories else f"entrepot add {name} --type TYPE --url URL"
            if name in self.combined:
                remedy = f"{name!r} combines these: {', '.join(self.combined[name].repositories)}; name one of them"
            raise UnknownName("repository", name, self.repositories, where=file, remedy=remedy) from None

    def combination(self, name: str) -> CombinedSettings:
        """One combination by name; `UnknownName` says which there are."""
        try:
            return self.combined[name]
        except KeyError:
            file = str(self.file or "entrepot.toml")
            remedy = "" if self.combined else f'write [combined.{name}] with repositories = ["NAME", "NAME"]'
            raise UnknownName("combination", name, self.combined, where=file, remedy=remedy) from None
