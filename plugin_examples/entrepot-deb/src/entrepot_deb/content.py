"""What a Debian archive says: of a suite, of its indices, and of each package that they list."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from entrepot.plugin import Content, key


@attrs.frozen
class DebRelease(Content):
    """A suite as its Release file tells it; the file and its signature are the artifacts.

    `date` and `valid_until` are the archive's own text. Where lists are written anew there are no
    artifacts; `said` is what else the archive says of the suite, and `lists` names the lists, as
    COMPONENT/ARCHITECTURE.
    """

    TYPE = "deb.release"

    suite: str = key()
    codename: str = ""
    date: str = ""
    valid_until: str = ""
    components: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    said: Mapping[str, str] = attrs.field(factory=dict)
    lists: tuple[str, ...] = ()


@attrs.frozen
class DebIndex(Content):
    """A file that a Release file lists; it is served by its digest too, where the archive offers that."""

    TYPE = "deb.index"

    path: str = key()
    sha256: str = ""
    size: int = 0


@attrs.frozen
class DebPackage(Content):
    """A binary package as an index lists it; `listed_for` is the architecture of that index.

    `paragraph` is what the index says of it, field by field in its order.
    """

    TYPE = "deb.package"

    suite: str = key()
    component: str = key()
    listed_for: str = key()
    name: str = key(indexed=True)
    version: str = key()
    architecture: str = key()
    paragraph: str = ""

    def known_as(self) -> tuple[str, ...]:
        """Its name, and NAME=VERSION as apt has it."""
        return (*super().known_as(), f"{self.name}={self.version}")


@attrs.frozen
class DebSource(Content):
    """A source package as an index lists it; its files are the artifacts."""

    TYPE = "deb.source"

    suite: str = key()
    component: str = key()
    name: str = key(indexed=True)
    version: str = key()
    paragraph: str = ""

    def known_as(self) -> tuple[str, ...]:
        """Its name, and NAME=VERSION as apt has it."""
        return (*super().known_as(), f"{self.name}={self.version}")
