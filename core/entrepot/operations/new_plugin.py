"""New plugin: a distribution to begin with, which works before a line of it is changed."""

from __future__ import annotations

import keyword
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

import attrs
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import Version

from entrepot.errors import ConfigurationError, DepotError, UnknownName
from entrepot.hooks.discovery import installed_version
from entrepot.hooks.record import BUILTIN

#: What can be begun, and what the distribution says of itself.
KINDS: Final[Mapping[str, str]] = {
    "content": "A content type for entrepot, with what reads and what publishes it",
    "stage": "A stage for the syncs of entrepot",
    "publisher": "A publisher for entrepot",
    "storage": "A storage for entrepot",
}

_PREFIX: Final = "entrepot-"
_LONGEST: Final = 40
_SUFFIX: Final = ".in"

#: Names of modules that would hide another, beside those of the standard library.
_TAKEN: Final = frozenset({"attrs", "entrepot", "pytest", "src", "test", "tests"})


@attrs.frozen
class NewPlugin:
    """What the templates are filled with: names that follow from one another.

    `plugin` is what `entrepot plugins` lists, and what a repository's type and tables are called.
    """

    kind: str
    distribution: str
    license: str

    @property
    def plugin(self) -> str:
        """The name among plugins: the distribution's, without the prefix that many have."""
        return self.distribution.removeprefix(_PREFIX)

    @property
    def module(self) -> str:
        """The name that Python imports."""
        return self.distribution.replace("-", "_")

    @property
    def words(self) -> dict[str, str]:
        """Everything that a template may ask for."""
        return {
            "distribution": self.distribution,
            "entrepot": requirement(installed_version()),
            "license": self.license,
            "module": self.module,
            "plugin": self.plugin,
            "summary": KINDS[self.kind],
        }


def new_plugin(name: str, *, kind: str, into: Path, license_expression: str) -> Path:
    """Write a distribution into a folder of its own below `into`, and say where it stands.

    It appears whole or not at all, and never in place of something: a `ConfigurationError` tells of
    a folder that is there, and of names that cannot be used.
    """
    if kind not in KINDS:
        raise UnknownName("kind of plugin", kind, KINDS, where="--kind")
    new = NewPlugin(kind, distribution_name(name), _license(license_expression))
    folder = into / new.distribution
    if folder.exists() or folder.is_symlink():
        raise ConfigurationError(
            f"{str(folder)!r} is there already, and nothing is overwritten",
            where="new-plugin",
            remedy=f"choose another name, or another place: entrepot new-plugin {new.distribution} --into DIR",
        )
    try:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{new.distribution}-", dir=into) as making:
            _write(new, Path(making) / new.distribution)
            (Path(making) / new.distribution).rename(folder)
    except (OSError, shutil.Error) as error:
        raise DepotError(
            f"the plugin cannot be written: {error}", where=str(folder), remedy="name a folder that can: --into DIR"
        ) from error
    return folder


def distribution_name(name: str) -> str:
    """The name as package indexes compare names; `ConfigurationError` for one that cannot be used."""
    try:
        distribution = canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise _refused(name, "is no name for a distribution: letters, digits, and - _ . between them") from error
    module, plugin = distribution.replace("-", "_"), distribution.removeprefix(_PREFIX)
    if len(distribution) > _LONGEST:
        raise _refused(name, f"has more than {_LONGEST} characters")
    if not module.isidentifier() or keyword.iskeyword(module) or not plugin[:1].isalpha():
        raise _refused(name, "cannot be imported by that name, or begins with a digit")
    if module in _TAKEN | sys.stdlib_module_names:
        raise _refused(name, f"would hide the module {module!r}")
    if plugin == BUILTIN:
        raise _refused(name, f"would be called {BUILTIN!r}, as what core ships is")
    return str(distribution)


def requirement(version: str | None) -> str:
    """What a plugin asks for that was written for this version: nothing is taken away below the bound."""
    if version is None:
        return "entrepot"
    built_for = Version(version)
    below = str(built_for.major + 1) if built_for.major else f"0.{built_for.minor + 1}"
    return f"entrepot>={built_for.public},<{below}"


def _refused(name: str, why: str) -> ConfigurationError:
    near = re.sub(r"[^a-z0-9]+", "-", name.lower()).removeprefix(_PREFIX).lstrip("0123456789-")
    suggested = _PREFIX + (near[: _LONGEST - len(_PREFIX)].strip("-") or "mine")
    suggested = suggested if suggested not in (name, _PREFIX + BUILTIN) else f"{_PREFIX}mine"
    return ConfigurationError(
        f"{name!r} {why}", where="new-plugin NAME", remedy=f"for instance: entrepot new-plugin {suggested}"
    )


def _license(expression: str) -> str:
    try:
        return str(canonicalize_license_expression(expression))
    except InvalidLicenseExpression as error:
        raise ConfigurationError(
            f"{expression!r} is no licence expression of SPDX",
            where="--license",
            remedy="for instance: --license MIT; for one of your own: --license LicenseRef-Proprietary",
        ) from error


def _write(new: NewPlugin, folder: Path) -> None:
    templates = resources.files("entrepot.operations") / "templates"
    for part in ("every", new.kind):
        for place, template in _files(templates / part):
            target = folder / place.removesuffix(_SUFFIX).replace("src/module/", f"src/{new.module}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = Template(template.read_text(encoding="utf-8")).substitute(new.words)
            target.write_text(text, encoding="utf-8")


def _files(folder: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield above + entry.name, entry
