"""The ordered stages of one sync, and who put them there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

import attrs

from entrepot.pipeline.arrange import arrange
from entrepot.pipeline.edits import Edit
from entrepot.pipeline.stage import NO_FACTS, Stage
from entrepot.pipeline.step import Absence, Step


class Row(TypedDict):
    """A step as `entrepot stages` shows it."""

    stage: str
    plugin: str
    needs: list[str]
    gives: list[str]
    edited_by: list[str]


def _steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(steps)


def _facts(facts: Iterable[str]) -> frozenset[str]:
    return frozenset(facts)


@attrs.frozen
class Plan:
    """Steps in the order in which a unit meets them.

    `first_gives` are facts that hold behind the first step whatever class its stage has, `last_needs`
    those without which the whole would be for nothing.
    """

    steps: tuple[Step, ...] = attrs.field(converter=_steps)
    first_gives: frozenset[str] = attrs.field(default=NO_FACTS, converter=_facts, kw_only=True)
    last_needs: frozenset[str] = attrs.field(default=NO_FACTS, converter=_facts, kw_only=True)
    absent: tuple[Absence, ...] = attrs.field(default=(), kw_only=True)

    @property
    def stages(self) -> list[Stage[Any]]:
        """What to hand to a pipeline."""
        return [step.stage for step in self.steps]

    @property
    def owners(self) -> list[str]:
        """The plugin of each stage, in the same order."""
        return [step.plugin for step in self.steps]

    def edited(self, edits: Mapping[str, Sequence[Edit]]) -> Plan:
        """The plan after the edits of each plugin, whatever the order of the mapping.

        Every edit speaks of this plan and of stages that other edits bring, and an anchor is a place: it
        stays when its stage is replaced, removed or moved. What is put next to one anchor stands in order
        of plugin name, and what is moved there after that. Raises `UnknownStage` and `PlanConflict`.
        """
        steps, absent = arrange(self.steps, edits)
        return attrs.evolve(self, steps=steps, absent=self.absent + absent)

    def rows(self) -> list[Row]:
        """The plan as a table."""
        return [
            Row(
                stage=step.name,
                plugin=step.plugin,
                needs=sorted(self.needs(position)),
                gives=sorted(self.gives(position)),
                edited_by=list(step.edited_by),
            )
            for position, step in enumerate(self.steps)
        ]

    def needs(self, position: int) -> frozenset[str]:
        """The facts that must hold before the step at `position`."""
        needs = self.steps[position].stage.needs
        return needs | self.last_needs if position == len(self.steps) - 1 else needs

    def gives(self, position: int) -> frozenset[str]:
        """The facts that hold behind the step at `position` because of it."""
        gives = self.steps[position].stage.gives
        return gives | self.first_gives if position == 0 else gives
