"""What the files of one project require, noted so that a later run need not read it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import msgspec
from packaging.specifiers import SpecifierSet

from entrepot_python.filenames import version_of
from entrepot_python.names import AnyOf
from entrepot_python.project_page import ListedFile


@attrs.frozen
class FileNeeds:
    """What one file requires. `digests` tell whether it is the same file still.

    `by` are the specifiers that chose it, where each chooses by itself.
    """

    digests: str
    requires: tuple[str, ...]
    by: frozenset[str] = frozenset()


@attrs.frozen
class KnownNeeds:
    """The files whose metadata was read, by name, when `asked` were the specifiers."""

    asked: frozenset[str] = frozenset()
    files: Mapping[str, FileNeeds] = attrs.field(factory=dict)

    def of(self, specifiers: Mapping[str, SpecifierSet]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What is required by each file that these specifiers choose, all of which were asked for then."""
        asked = AnyOf(list(specifiers.values()))
        for filename, known in self.files.items():
            if known.by & specifiers.keys() or (not known.by and asked.admit(version_of(filename))):
                yield filename, known.requires

    def find(self, file: ListedFile) -> FileNeeds | None:
        """What is known of a file, where it is the same still."""
        known = self.files.get(file.filename)
        return known if known is not None and known.digests == digests_of(file) else None

    def dump(self) -> str:
        """Write it down, each requirement once: releases of a project mostly require the same."""
        lines = {line: at for at, line in enumerate({line for each in self.files.values() for line in each.requires})}
        said = _Said(
            asked=sorted(self.asked),
            lines=list(lines),
            files={
                name: (each.digests, [lines[line] for line in each.requires], sorted(each.by))
                for name, each in self.files.items()
            },
        )
        return msgspec.json.encode(said).decode()

    @classmethod
    def load(cls, text: str | None) -> KnownNeeds:
        """Read it back; nothing where there is nothing to read."""
        if not text:
            return cls()
        said = msgspec.json.decode(text, type=_Said)
        files = {
            name: FileNeeds(digests, tuple(said.lines[at] for at in requires), frozenset(by))
            for name, (digests, requires, by) in said.files.items()
        }
        return cls(frozenset(said.asked), files)


class _Said(msgspec.Struct):
    asked: list[str]
    lines: list[str]
    files: dict[str, tuple[str, list[int], list[str]]]


def digests_of(file: ListedFile) -> str:
    """Whatever the index says of a file's bytes and of its metadata's, in one line."""
    metadata = file.core_metadata if isinstance(file.core_metadata, Mapping) else {}
    return " ".join(f"{name}:{value}" for said in (file.hashes, metadata) for name, value in sorted(said.items()))
