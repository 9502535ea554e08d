"""Where a secret is to be had: a variable, a file or a keyring, never the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from entrepot.errors import ConfigurationError
from entrepot.model.remote import Secret
from entrepot.settings.keyring_secret import from_keyring

_EXAMPLE = '{ env = "NAME" }, { file = "PATH" } or { keyring = "SERVICE/USER" }'


@attrs.frozen
class SecretSource:
    """Names a variable, a file or an entry of the keyring; `resolve` reads it when it is needed."""

    env: str | None = None
    file: Path | None = None
    keyring: str | None = None

    @classmethod
    def read(cls, value: Any, _: Any = None) -> SecretSource:
        """Accept one of the three forms; a secret written out is refused without being repeated."""
        match value:
            case {"env": str() as name} if len(value) == 1 and name:
                return cls(env=name)
            case {"file": str() as path} if len(value) == 1 and path:
                return cls(file=Path(path))
            case {"keyring": str() as entry} if len(value) == 1 and all(entry.rpartition("/")[::2]):
                return cls(keyring=entry)
            case str():
                raise ConfigurationError(
                    "a secret stands in the configuration itself",
                    remedy=f"say where it is to be had instead: {_EXAMPLE}",
                )
            case _:
                raise ConfigurationError("this does not say where a secret is to be had", remedy=f"write {_EXAMPLE}")

    def resolve(self, environ: Mapping[str, str], folder: Path | None = None) -> Secret:
        """Read the secret; what is missing is named, what was read never is."""
        value = self._value(environ, folder)
        if not value or "\n" in value or "\r" in value or "\0" in value:
            raise ConfigurationError(
                f"the secret in {self} is {'not one line' if value else 'empty'}",
                remedy="put the secret there, in one line",
            )
        return Secret(value)

    def _value(self, environ: Mapping[str, str], folder: Path | None) -> str:
        if self.keyring is not None:
            return from_keyring(self.keyring)
        return self._from_environment(environ) if self.file is None else self._from_file(self.file, environ, folder)

    def _from_environment(self, environ: Mapping[str, str]) -> str:
        name = self.env or ""
        if name not in environ:
            raise ConfigurationError(
                f"the environment variable {name!r} is not set, and a secret is to be had there",
                remedy=f"set it: export {name}=...",
            )
        return environ[name]

    def _from_file(self, file: Path, environ: Mapping[str, str], folder: Path | None) -> str:
        path = expanded(file, environ, folder)
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"the file {path} cannot be read, and a secret is to be had there: {error}",
                remedy=f"make it readable for who runs entrepot: ls -l {path}",
            ) from error

    def __str__(self) -> str:
        if self.keyring is not None:
            return f"the keyring's entry {self.keyring!r}"
        return f"the environment variable {self.env!r}" if self.file is None else f"the file {self.file}"


def expanded(path: Path, environ: Mapping[str, str], folder: Path | None) -> Path:
    """Make a path of the configuration whole: `~` is home, and relative is to the file's folder."""
    text = str(path)
    if text == "~" or text.startswith("~/"):
        path = Path(environ.get("HOME") or Path.home(), text[2:])
    return path if path.is_absolute() or folder is None else folder / path
