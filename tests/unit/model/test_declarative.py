"""Units on their way: what they must say, and how they are awaited."""

from __future__ import annotations

import asyncio
import hashlib

import attrs
import pytest

from entrepot.errors import EntrepotError, Failed, Refused
from entrepot.model.artifact import Artifact
from entrepot.model.content import Content, key
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent
from entrepot.model.remote import Remote

SHA256 = hashlib.sha256(b"").hexdigest()
REMOTE = Remote("https://index.example/")


@attrs.frozen
class Thing(Content):
    TYPE = "test.thing"
    name: str = key()
    says: str = ""


def an_artifact(**changes: object) -> DeclarativeArtifact:
    given = {
        "artifact": Artifact(sha256=SHA256),
        "url": "https://index.example/a",
        "relative_path": "a",
        "remote": REMOTE,
    }
    return DeclarativeArtifact(**{**given, **changes})  # type: ignore[arg-type]  # what is missing is the point


@pytest.mark.parametrize("missing", ["artifact", "url", "relative_path", "remote"])
def test_what_is_missing_is_named(missing: str) -> None:
    """An incomplete artifact cannot be made."""
    with pytest.raises(ValueError, match=missing):
        an_artifact(**{missing: None})


def test_a_local_file_needs_neither_url_nor_remote(tmp_path: object) -> None:
    """Bytes that are here need not be fetched."""
    local = an_artifact(artifact=Artifact(file=tmp_path), url=None, remote=None)  # type: ignore[arg-type]  # a path

    assert local.urls == ()


def test_a_unit_needs_a_content() -> None:
    """An empty unit cannot be made."""
    with pytest.raises(ValueError, match="content"):
        DeclarativeContent()


def test_assigning_a_content_forgets_what_was_found() -> None:
    """A look-up is about the statement it was made for."""
    unit = DeclarativeContent(Thing("a"), [an_artifact()])
    before = unit.identity
    unit.found(7)

    unit.content = Thing("b")

    assert unit.content_id is None
    assert unit.identity != before
    assert unit.key == '["test.thing","b"]'


def test_assigning_after_the_save_names_the_stage() -> None:
    """What is saved never changes; the error says who saved it."""
    unit = DeclarativeContent(Thing("a"))
    unit.saved("ContentSaver")

    with pytest.raises(EntrepotError, match="already saved by stage 'ContentSaver'"):
        unit.content = Thing("b")


def test_the_identity_needs_a_digest() -> None:
    """Bytes that nobody named cannot be part of a statement before they are here."""
    unit = DeclarativeContent(Thing("a"), [an_artifact(artifact=Artifact())])

    with pytest.raises(EntrepotError, match="no digest before it is downloaded"):
        _ = unit.identity


async def test_resolution_gives_the_content_once_it_is_resolved() -> None:
    """Whoever waits, before or after, gets the content."""
    unit = DeclarativeContent(Thing("a"))
    waiting = asyncio.create_task(unit.resolution())
    await asyncio.sleep(0)
    assert not waiting.done()

    assert unit.resolve() is unit.content

    assert await waiting is unit.content
    assert await unit.resolution() is unit.content


@pytest.mark.parametrize("why", [Refused("unit", "rule", "reason"), Failed("unit", ValueError("x"))])
async def test_resolution_says_why_a_unit_was_left_out(why: Refused | Failed) -> None:
    """Whoever waits for a unit that will never be saved is told so, before or after."""
    unit = DeclarativeContent(Thing("a"))
    waiting = asyncio.create_task(unit.resolution())
    await asyncio.sleep(0)

    unit.leave_out(why)

    with pytest.raises(type(why)):
        await waiting
    with pytest.raises(type(why)):
        await unit.resolution()


async def test_a_waiter_that_is_cancelled_leaves_the_others_waiting() -> None:
    """One that goes away takes nothing from those who stay."""
    unit = DeclarativeContent(Thing("a"))
    first, second = asyncio.create_task(unit.resolution()), asyncio.create_task(unit.resolution())
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.sleep(0)
    unit.resolve()

    assert await second is unit.content


@pytest.mark.fault("B16")
def test_a_unit_is_told_in_bounds_and_in_letters_that_can_be_shown() -> None:
    """Its key may hold what an upstream wrote; an error or a report must not grow or blink with it."""
    told = DeclarativeContent(Thing("a\x7f\u202eb" + "c" * 100_000)).describe()

    assert len(told) < 500
    assert told.isprintable()
    assert told.startswith('unit ["test.thing","a\\x7f\\u202ebcc')
