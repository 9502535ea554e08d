"""Content: statements of an upstream about one thing, as attrs classes made by plugins."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import attrs
import msgspec

from entrepot.errors import PluginError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

_KEY, _INDEXED, _DERIVED = "entrepot.key", "entrepot.indexed", "entrepot.derived"

C = TypeVar("C", bound="Content")


def key(*, indexed: bool = False, **field: Any) -> Any:
    """Mark a field as part of the natural key: what the statement is about.

    A version holds at most one statement for each type and key. Choose what names the thing where
    upstream lists it; never a digest, and nothing that upstream may correct. With `indexed`,
    publishers can look contents up by it too. Takes what `attrs.field` takes.
    """
    return _marked(_KEY, _indexed(field) if indexed else field)


def indexed(**field: Any) -> Any:
    """Mark a field that publishers look contents up by; it is copied, as text, when saved."""
    return _marked(_INDEXED, field)


def derived(**field: Any) -> Any:
    """Mark a field that follows from the artifact's bytes alone; it is not part of the identity."""
    return _marked(_DERIVED, field)


def _indexed(field: dict[str, Any]) -> dict[str, Any]:
    return {**field, "metadata": {**field.get("metadata", {}), _INDEXED: True}}


def _marked(mark: str, field: dict[str, Any]) -> Any:
    metadata = {**field.pop("metadata", {}), mark: True}
    return attrs.field(metadata=metadata, **field)


@attrs.frozen
class Content:
    """What upstream said about one thing; subclass it with `@attrs.frozen` and a `TYPE`.

    Fields hold what JSON can: text, numbers, booleans, None, and tuples, dictionaries or attrs
    classes of those. Converters are not called when a statement is read back.
    """

    TYPE: ClassVar[str] = ""

    def published_at(self) -> datetime.datetime | None:
        """When it was published, as upstream says; override it where upstream does say.

        None when upstream says nothing, or nothing that can be read. A moment has its time zone.
        """
        return None

    def known_as(self) -> tuple[str, ...]:
        """The names that a person has for it, in options; override it where there are more.

        Each field of the key alone, and all of them with slashes between.
        """
        parts = tuple(str(getattr(self, name)) for name in shape_of(type(self)).keys)
        return tuple(dict.fromkeys((*parts, "/".join(parts))))


class ArtifactLink(NamedTuple):
    """An artifact as a statement declares it: where it is found, and what names its bytes."""

    relative_path: str
    algorithm: str
    digest: bytes
    size: int | None


class Shape(NamedTuple):
    """What is asked of a content class once: its fields in order of name, and the role of each."""

    type: str
    keys: tuple[str, ...]
    indexed: tuple[str, ...]
    derived: frozenset[str]
    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    values: Callable[[Content], tuple[Any, ...]]


def _read_shape(cls: type[Content]) -> Shape:
    if not cls.TYPE or "." not in cls.TYPE:
        raise PluginError(
            f"content class {cls.__qualname__!r} has no type name",
            where=cls.__module__,
            remedy="give it a TYPE such as 'file.file': the plugin's name, a dot, and what it is",
        )
    fields = attrs.fields(cls)
    keys = tuple(field.name for field in fields if field.metadata.get(_KEY))
    if not keys:
        raise PluginError(
            f"content class {cls.__qualname__!r} has no key",
            where=cls.__module__,
            remedy="mark what names the thing upstream: name: str = key()",
        )
    sorted_fields = sorted(fields, key=lambda field: field.name)
    names = tuple(field.name for field in sorted_fields)
    return Shape(
        cls.TYPE,
        keys,
        tuple(field.name for field in fields if field.metadata.get(_INDEXED)),
        frozenset(field.name for field in fields if field.metadata.get(_DERIVED)),
        names,
        tuple(_default(field) for field in sorted_fields),
        attrgetter(*names) if len(names) > 1 else lambda content: (getattr(content, names[0]),),
    )


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types Factory as a function
        return attrs.NOTHING if default.takes_self else default.factory()
    return default


#: Reads a content class once, or says with `PluginError` what it lacks.
shape_of: Callable[[type[Content]], Shape] = functools.cache(_read_shape)  # type: ignore[assignment]  # classes are hashable

_encode = msgspec.json.Encoder(order="sorted").encode
_encode_plainly = msgspec.json.Encoder().encode


def natural_key(content: Content) -> str:
    """Say what a statement is about: its type and key fields, as a JSON list.

    Of a statement that could not be kept, for it has text that is not Unicode, so much that it can be told.
    """
    shape = shape_of(type(content))
    named = [shape.type, *[getattr(content, name) for name in shape.keys]]
    try:
        return _encode_plainly(named).decode()
    except UnicodeEncodeError:
        return _encode_plainly([str(part).encode(errors="replace").decode() for part in named]).decode()


def key_of(cls: type[Content], *values: object) -> str:
    """The natural key that a statement of `cls` with these key fields has; for `depends_on`."""
    return _encode_plainly([shape_of(cls).type, *values]).decode()


def encode_fields(content: Content) -> bytes:
    """Write a statement's fields as canonical JSON; fields equal to their default are left out."""
    return _encode(_fields(content, shape_of(type(content))))


def encode_said(content: Content) -> bytes:
    """Write the fields that upstream said, without derived ones; the same as all when there are none."""
    shape = shape_of(type(content))
    return _encode({name: value for name, value in _fields(content, shape).items() if name not in shape.derived})


def _fields(content: Content, shape: Shape) -> dict[str, Any]:
    return {
        name: value
        for name, value, default in zip(shape.names, shape.values(content), shape.defaults, strict=True)
        if value != default
    }


def decode_fields(cls: type[C], fields: bytes) -> C:
    """Read a statement back; fields that the class no longer has are passed over."""
    return msgspec.json.decode(fields, type=cls)


def indexed_values(content: Content) -> tuple[tuple[str, str], ...]:
    """The indexed fields as text; None is left out."""
    return tuple(
        (name, str(value)) for name in shape_of(type(content)).indexed if (value := getattr(content, name)) is not None
    )


def identity(content: Content, said: bytes, artifacts: Sequence[ArtifactLink]) -> bytes:
    """Digest everything a statement says: type, fields as `encode_said` writes them, declared artifacts.

    Equal statements have equal identities wherever and whenever they are made. Not in it: URLs,
    remotes, derived fields, and fields equal to their default, so that adding a field with a
    default changes no identity.
    """
    links = [f"\n{path}\0{algorithm}\0{digest.hex()}\0{size}" for path, algorithm, digest, size in artifacts]
    if len(links) > 1:
        links.sort()
    return hashlib.sha256(b"%b\n%b%b" % (content.TYPE.encode(), said, "".join(links).encode())).digest()
