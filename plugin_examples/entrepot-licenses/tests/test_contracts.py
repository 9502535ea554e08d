"""What entrepot asks of every stage, asked of these two."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from entrepot.plugin import Artifact, Content, DeclarativeArtifact, DeclarativeContent, Remote, Stage, facts, key
from entrepot.testing.stage_contract import StageContract, mark_stored
from entrepot_licenses.policy import LicensesOptions, policy_of
from entrepot_licenses.stages import FetchMetadata, JudgeLicenses


@attrs.frozen
class Package(Content):
    """A package of a type that says its licence itself."""

    TYPE = "example.package"

    name: str = key()
    license_expression: str | None = None


def unit(number: int, *, stored: bool) -> DeclarativeContent:
    """A package that says nothing, MIT or AGPL, in turn; with a file that tells nothing."""
    remote, path = Remote("https://index.example/"), f"{number}.rpm"
    artifact = DeclarativeArtifact(Artifact("0a" * 32), f"https://index.example/{path}", path, remote)
    said = (None, "MIT", "AGPL-3.0-only")[number % 3]
    made = DeclarativeContent(Package(str(number), said), [artifact] if number % 2 else [])
    return mark_stored(made) if stored else made


class TestFetchMetadata(StageContract):
    """The stage that has metadata come early."""

    def make_stage(self) -> Stage:
        return FetchMetadata()

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [unit(number, stored=False) for number in range(count)]


class TestJudgeLicenses(StageContract):
    """The stage that judges."""

    adds_units = True

    def make_stage(self) -> Stage:
        policy = policy_of(LicensesOptions(allow=("MIT",)))
        assert policy is not None
        return JudgeLicenses(policy)

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [unit(number, stored=True) for number in range(count)]

    def test_it_sees_bytes_before_they_are_saved(self) -> None:
        """So that what is refused never reaches storage."""
        assert facts.DOWNLOADED in JudgeLicenses.needs
        assert facts.ARTIFACTS_SAVED in JudgeLicenses.precedes
