"""What hypothesis tries out on entrepot and its plugins: paths, digests, contents, units, upstreams.

It needs hypothesis: install `entrepot[testing]`.

>>> @given(strategies.contents(MyContent))
... def test_a_statement_is_read_back(content: MyContent) -> None: ...
"""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import attrs
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from entrepot.model.artifact import Artifact
from entrepot.model.content import Content
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent
from entrepot.model.digest import LENGTHS
from entrepot.model.relative_path import LONGEST_SEGMENT
from entrepot.model.remote import Remote

__all__ = [
    "Change",
    "Files",
    "a_few",
    "artifacts",
    "bad_paths",
    "changes",
    "contents",
    "digests",
    "histories",
    "relative_paths",
    "units",
    "upstreams",
]

C = TypeVar("C", bound=Content)

#: Files of an upstream: a body under each name.
Files: TypeAlias = Mapping[str, bytes]

Kind: TypeAlias = Literal["add", "change", "remove", "flip"]

_NAMES = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\")
_UNUSABLE = ("", ".", "..", "a\\b", "a\0b", "a\nb", "\x7f", "a\ud800", "a" * (LONGEST_SEGMENT + 1))
_LARGEST_SIZE = 2**63 - 1


def relative_paths() -> SearchStrategy[str]:
    """Paths that may come from outside: what looks odd and is allowed, too."""
    odd = st.sampled_from(["...", "..a", "%2e%2e", "-rf", "a b", "~", ".hidden", "a:b", "é"])
    plain = st.text(_NAMES, min_size=1, max_size=LONGEST_SEGMENT // 4).filter(lambda name: name not in (".", ".."))
    return st.lists(odd | plain, min_size=1, max_size=5).map("/".join)


def bad_paths() -> SearchStrategy[str]:
    """Paths that leave their root, are absolute, or name no file."""
    unusable = st.sampled_from(_UNUSABLE)
    among = st.tuples(st.lists(st.just("a"), max_size=2), unusable, st.lists(st.just("b"), max_size=2))
    inside = among.map(lambda parts: "/".join([*parts[0], parts[1], *parts[2]]))
    return inside | relative_paths().map(lambda path: f"/{path}")


def digests(algorithm: str = "sha256") -> SearchStrategy[str]:
    """Hexadecimal digests of one algorithm, in lower case; of no bytes in particular."""
    lengths = [st.binary(min_size=length, max_size=length) for length in LENGTHS[algorithm]]
    return st.one_of(lengths).map(bytes.hex)


def artifacts(*, algorithms: Sequence[str] = ("sha256",)) -> SearchStrategy[Artifact]:
    """Artifacts as upstreams declare them: each of the digests or none of it, with a size or without."""
    sizes = st.none() | st.integers(0, _LARGEST_SIZE)
    return st.builds(Artifact, size=sizes, **{name: st.none() | digests(name) for name in algorithms})


def contents(cls: type[C], **fields: SearchStrategy[Any]) -> SearchStrategy[C]:
    """Statements of an attrs class, by the types of its fields; some may be given as strategies."""
    hints = typing.get_type_hints(cls)
    made = {each.name: st.from_type(hints[each.name]) for each in attrs.fields(cls) if each.init}
    return st.builds(cls, **{**made, **fields})


@st.composite
def units(draw: DrawFn, cls: type[Content], *, max_size: int = 10) -> list[DeclarativeContent]:
    """Units with different keys; each has an artifact or none."""
    remote = Remote("https://index.example/")
    made = st.lists(contents(cls), max_size=max_size, unique_by=lambda content: DeclarativeContent(content).key)
    found: list[DeclarativeContent] = []
    for content in draw(made):
        path = f"{len(found)}/{draw(relative_paths())}"
        where = DeclarativeArtifact(draw(artifacts()), f"https://index.example/{len(found)}", path, remote)
        found.append(DeclarativeContent(content, [where] if draw(st.booleans()) else []))
    return found


@attrs.frozen
class Change:
    """One thing that an upstream does: a flip changes one bit of a body, and not its size."""

    kind: Kind
    name: str
    body: bytes = b""

    def apply(self, files: Files) -> Files:
        """The upstream afterwards."""
        rest = {name: body for name, body in files.items() if name != self.name}
        match self.kind:
            case "add" | "change":
                return {**rest, self.name: self.body}
            case "remove":
                return rest
            case "flip":
                body = files[self.name]
                return {**rest, self.name: bytes([body[0] ^ 1]) + body[1:]}


def upstreams(names: Sequence[str], *, min_size: int = 0) -> SearchStrategy[Files]:
    """States of an upstream that has files under some of these names; none of them is empty."""
    bodies = st.binary(min_size=1, max_size=64)
    return st.dictionaries(st.sampled_from(names), bodies, min_size=min_size, max_size=len(names))


@st.composite
def changes(draw: DrawFn, files: Files, names: Sequence[str]) -> Change:
    """Something that may happen to an upstream in this state."""
    absent = [name for name in names if name not in files]
    adding: list[Kind] = ["add"] if absent else []
    others: list[Kind] = ["change", "remove", "flip"] if files else []
    kind = draw(st.sampled_from(adding + others))
    name = draw(st.sampled_from(absent if kind == "add" else sorted(files)))
    return Change(kind, name, draw(st.binary(min_size=1, max_size=64)) if kind in ("add", "change") else b"")


@st.composite
def histories(draw: DrawFn, names: Sequence[str], *, least: int = 1, length: int = 4) -> list[Files]:
    """States of one upstream, one change apart; none has fewer files than `least`."""
    states = [draw(upstreams(names, min_size=least))]
    for _ in range(draw(st.integers(1, length))):
        change = draw(changes(states[-1], names))
        if len(after := change.apply(states[-1])) >= least:
            states.append(after)
    return states


def a_few(examples: int) -> settings:
    """Settings for what takes a depot each time: few examples, the same in each run."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
