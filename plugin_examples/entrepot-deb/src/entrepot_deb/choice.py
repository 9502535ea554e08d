"""Which indices of a suite are wanted, and in which of their forms each is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import attrs

from entrepot.plugin import ConfigurationError, InvalidMetadata
from entrepot_deb.layout import is_flat
from entrepot_deb.options import DebOptions
from entrepot_deb.release import ListedIndex, Release

Compression: TypeAlias = Literal["xz", "gzip", "bzip2", "lzma", "zstd", ""]

#: Forms that can be read, by the end of a name.
_FORMS: Final[dict[str, Compression]] = {
    ".xz": "xz",
    ".gz": "gzip",
    ".bz2": "bzip2",
    ".lzma": "lzma",
    ".zst": "zstd",
    "": "",
}

_SOURCE: Final = "source"

#: Lists of packages of one suite; the largest archives have less than a hundred.
_MOST_LISTS: Final = 10_000


@attrs.frozen
class Part:
    """What one list of packages is about, and every form of it; `read` is the one to read.

    `files` are all files of the part, those that nobody reads among them.
    """

    component: str
    architecture: str
    read: ListedIndex
    compression: Compression
    files: Sequence[ListedIndex]

    @property
    def is_source(self) -> bool:
        """Whether it lists source packages."""
        return self.architecture == _SOURCE


def parts_of(release: Release, options: DebOptions, suite: str) -> list[Part]:
    """Tell which lists of packages are wanted.

    Raises a `ConfigurationError` for a component or architecture that is asked for and not there:
    what is misspelt would be empty for ever. A flat archive has one list of all there is, and one of
    sources.
    """
    if is_flat(suite):
        return _flat_parts(release, options)
    components = _wanted(options.components, release.components, f"component of suite {suite!r}")
    architectures = _wanted(options.architectures, (*release.architectures, "all"), f"architecture of suite {suite!r}")
    if not options.architectures:
        architectures = release.architectures
    if options.sources:
        architectures = (*architectures, _SOURCE)
    if len(components) * len(architectures) > _MOST_LISTS:
        raise InvalidMetadata(
            f"suite {suite!r} has {len(components)} components for {len(architectures)} architectures",
            remedy="name in components and architectures those that you want",
        )
    folders: dict[str, list[ListedIndex]] = {}
    for path, index in release.indices.items():
        folders.setdefault("/".join(path.split("/", 2)[:2]), []).append(index)
    return [
        part
        for component in components
        for architecture in architectures
        if (part := _part(release, component, architecture, folders)) is not None
    ]


def further_files(release: Release, options: DebOptions, parts: Sequence[Part]) -> Iterator[ListedIndex]:
    """Files that no list of packages is: those that the options ask for, of what is mirrored."""
    components = {part.component for part in parts}
    for path, index in release.indices.items():
        component, _, rest = path.partition("/")
        if not rest:  # Contents of a whole suite stand beside the components
            component, rest = "", path
        if component and component not in components:
            continue
        folder, _, name = rest.rpartition("/")
        if (
            (options.translations and folder == "i18n" and name.startswith("Translation-"))
            or (options.contents and not folder and name.startswith("Contents-"))
            or (options.dep11 and folder == "dep11")
        ):
            yield index


def is_offered(index: ListedIndex, release: Release) -> bool:
    """Whether an archive is likely to have a file that it lists.

    What it has compressed, archives list plain as well, and do not have.
    """
    return not any(f"{index.path}{end}" in release.indices for end in _FORMS if end)


def _wanted(asked: Sequence[str], there: Sequence[str], kind: str) -> tuple[str, ...]:
    for name in asked:
        if name not in there:
            raise ConfigurationError(f"there is no {kind} {name!r:.80}", remedy=f"it has: {', '.join(there)}")
    return tuple(asked or there)


def _part(
    release: Release, component: str, architecture: str, folders: Mapping[str, Sequence[ListedIndex]]
) -> Part | None:
    folder = f"{component}/{'source' if architecture == _SOURCE else f'binary-{architecture}'}"
    name = "Sources" if architecture == _SOURCE else "Packages"
    form = _form_to_read(release, f"{folder}/{name}")
    return None if form is None else Part(component, architecture, *form, folders[folder])


def _flat_parts(release: Release, options: DebOptions) -> list[Part]:
    parts = []
    for name, architecture in (("Packages", ""), ("Sources", _SOURCE)):
        files = [index for path, index in release.indices.items() if path.partition(".")[0] == name]
        form = _form_to_read(release, name)
        if form is not None and (options.sources or architecture != _SOURCE):
            parts.append(Part("", architecture, *form, files))
    if not parts:
        raise InvalidMetadata(
            "the Release of a flat archive lists no Packages",
            remedy='see whether the suite is the folder that they are in, as in suites = ["./"]',
        )
    return parts


def _form_to_read(release: Release, path: str) -> tuple[ListedIndex, Compression] | None:
    """The smallest form of a list.

    A plain one is read where there is no other, for archives list it and do not have it; and zstd
    where there is no other that is packed, for it takes a library of its own.
    """
    listed = [(end, index) for end in _FORMS if (index := release.indices.get(f"{path}{end}")) is not None]
    if not listed:
        return None
    end, index = min(listed, key=lambda one: (not one[0], one[0] == ".zst", one[1].size, one[0]))
    return index, _FORMS[end]
