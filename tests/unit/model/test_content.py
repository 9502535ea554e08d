"""Statements: what they are about, and what they say."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given

from entrepot.errors import PluginError
from entrepot.model.content import (
    ArtifactLink,
    Content,
    decode_fields,
    derived,
    encode_fields,
    encode_said,
    indexed,
    indexed_values,
    key,
    key_of,
    natural_key,
    shape_of,
)
from entrepot.model.content import (
    identity as identity_of,
)
from entrepot.testing import strategies

DIGEST = bytes(range(32))


@attrs.frozen
class Wheel(Content):
    TYPE = "test.wheel"
    project: str = key()
    filename: str = key()
    yanked: bool | str = False
    requires: str | None = indexed(default=None)
    classifiers: tuple[str, ...] = ()
    summary: str = derived(default="")


def identity(content: Content, artifacts: list[ArtifactLink]) -> bytes:
    return identity_of(content, encode_said(content), artifacts)


def link(**changes: object) -> ArtifactLink:
    return ArtifactLink("a.whl", "sha256", DIGEST, 3)._replace(**changes)  # type: ignore[arg-type]  # fields by name


def test_the_natural_key_is_the_type_and_the_key_fields() -> None:
    """Statements about one thing have one key, whatever else they say."""
    kept, yanked = Wheel("a", "a-1.whl"), Wheel("a", "a-1.whl", yanked=True)

    assert natural_key(kept) == natural_key(yanked) == key_of(Wheel, "a", "a-1.whl") == '["test.wheel","a","a-1.whl"]'


def test_another_value_is_another_identity() -> None:
    """What upstream flips makes another statement; the old one stays what it was."""
    assert identity(Wheel("a", "a"), [link()]) != identity(Wheel("a", "a", yanked=True), [link()])


@pytest.mark.parametrize(
    "changed",
    [link(relative_path="b.whl"), link(digest=bytes(32)), link(size=4), link(size=None), link(algorithm="sha512")],
)
def test_the_declared_artifact_is_part_of_the_identity(changed: ArtifactLink) -> None:
    """Other bytes, or the same at another path, are another statement."""
    assert identity(Wheel("a", "a"), [changed]) != identity(Wheel("a", "a"), [link()])


def test_the_order_of_artifacts_says_nothing() -> None:
    """Equal statements have equal identities in whatever order their artifacts were listed."""
    first, second = link(), link(relative_path="a.whl.metadata")

    assert identity(Wheel("a", "a"), [first, second]) == identity(Wheel("a", "a"), [second, first])


def test_a_derived_field_is_not_part_of_the_identity() -> None:
    """What follows from the bytes adds nothing to what upstream said."""
    assert identity(Wheel("a", "a", summary="x"), []) == identity(Wheel("a", "a"), [])


def test_a_new_field_with_a_default_changes_no_identity() -> None:
    """Plugins can add fields without every known statement becoming another."""

    @attrs.frozen
    class Older(Content):
        TYPE = "test.wheel"
        project: str = key()
        filename: str = key()

    assert identity(Older("a", "a"), [link()]) == identity(Wheel("a", "a"), [link()])


def test_a_field_that_is_gone_is_passed_over_when_read() -> None:
    """A statement written by an older plugin is read by a newer one."""

    @attrs.frozen
    class Newer(Content):
        TYPE = "test.wheel"
        project: str = key()

    assert decode_fields(Newer, encode_fields(Wheel("a", "b", yanked="broken"))) == Newer("a")


@given(strategies.contents(Wheel))
def test_a_statement_is_read_back_as_it_was_written(wheel: Wheel) -> None:
    """Nothing a statement says is lost or changed on its way through the catalog."""
    assert decode_fields(Wheel, encode_fields(wheel)) == wheel


def test_indexed_values_are_text_and_none_is_left_out() -> None:
    """Publishers find contents by these; what upstream did not say is not there to be found."""
    assert indexed_values(Wheel("a", "b", requires=">=3.11")) == (("requires", ">=3.11"),)
    assert indexed_values(Wheel("a", "b")) == ()


def test_a_class_without_a_type_is_refused() -> None:
    """The error names the class and says what to write."""

    @attrs.frozen
    class Nameless(Content):
        name: str = key()

    with pytest.raises(PluginError, match=r"'.*Nameless' has no type name"):
        shape_of(Nameless)


def test_a_class_without_a_key_is_refused() -> None:
    """A statement that is about nothing could never be replaced."""

    @attrs.frozen
    class Keyless(Content):
        TYPE = "test.keyless"
        name: str = ""

    with pytest.raises(PluginError, match="has no key"):
        shape_of(Keyless)


def test_content_is_known_by_its_key_and_says_no_moment_of_its_own() -> None:
    """Until a type says more: what nobody told is not known."""
    wheel = Wheel("demo", "demo-1.0.whl")

    assert wheel.known_as() == ("demo", "demo-1.0.whl", "demo/demo-1.0.whl")
    assert wheel.published_at() is None
