"""Sizes that the upstream did not tell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import entrepot_file.plugin
from entrepot.plugin import Artifact, DeclarativeArtifact, DeclarativeContent, Remote, Stored
from entrepot.testing import run_stage
from entrepot_file.content import FileContent
from entrepot_file.note_sizes import NoteSizes
from entrepot_file.options import FileOptions

SHA256 = "0a" * 32


def unit(size: int | None, *, stored: int | None) -> DeclarativeContent:
    """A file on its way, its bytes stored or not."""
    artifact = DeclarativeArtifact(Artifact(SHA256), "https://mirror.example/a", "a", Remote("https://mirror.example/"))
    if stored is not None:
        artifact.state = Stored(SimpleNamespace(sha256=bytes.fromhex(SHA256), size=stored))  # type: ignore[arg-type]  # has what it needs
    return DeclarativeContent(FileContent("a", SHA256, size), [artifact])


async def test_a_file_whose_bytes_are_here_gets_their_size() -> None:
    """What the list told stays; what nobody knows stays unknown; what the statement is does not change."""
    units = [unit(None, stored=7), unit(5, stored=7), unit(None, stored=None), unit(None, stored=0)]
    identities = [one.identity for one in units]

    out = await run_stage(NoteSizes(), units)

    assert [one.content for one in out] == [FileContent("a", SHA256, size) for size in (7, 5, None, 0)]
    assert [one.identity for one in out] == identities


@pytest.mark.parametrize(
    ("url", "policy", "edits"),
    [
        ("https://mirror.example/SHA256SUMS", "immediate", 1),
        ("https://mirror.example/SHA256SUMS", "on_demand", 0),
        ("https://mirror.example/PULP_MANIFEST", "immediate", 0),
    ],
)
def test_the_stage_is_in_the_plan_where_it_has_something_to_do(url: str, policy: Any, edits: int) -> None:
    """Elsewhere it would cost a hop for each unit, and do nothing."""
    context: Any = SimpleNamespace(
        repository=SimpleNamespace(type="file"),
        remote=Remote(url, policy=policy),
        options=FileOptions(),
        uploads=False,
    )

    assert len(entrepot_file.plugin.entrepot_edit_plan(context)) == edits


def test_other_types_of_repositories_are_left_alone() -> None:
    """The plan of a stranger's repository is not ours to change."""
    context: Any = SimpleNamespace(repository=SimpleNamespace(type="python"))

    assert entrepot_file.plugin.entrepot_edit_plan(context) == []
