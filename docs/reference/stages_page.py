"""The reference page of stages and facts, from the default plan as a sync would use it."""

from __future__ import annotations

from entrepot.assembly.default_plan import BUILTIN, default_plan
from entrepot.model import facts
from entrepot.plugin import Stage
from pieces import code, codes, details, page, place, summary, table


class FirstStage(Stage):
    """Declares content: what the upstream lists. Each repository type has one, from a plugin."""

    gives = frozenset({facts.DECLARED})

    async def run(self) -> None:
        """Declare nothing: this one stands for others."""


def stages_page() -> str:
    """Tell the order of the default plan, and what each stage needs, gives and promises."""
    plan = default_plan(FirstStage(), plugin="the type's own", mirror=True)
    rows, sections = [], []
    for number, step in enumerate(plan.steps, start=1):
        stage = type(step.stage)
        told = "first stage" if stage is FirstStage else code(step.name)
        rows.append([str(number), told, summary(stage), codes(stage.needs), codes(stage.gives)])
        if step.plugin == BUILTIN:
            sections.append(f"## {step.name}\n\n{summary(stage)}\n\n{details(stage)}\n\nWritten in {place(stage)}.")
    return page(
        "Stages and facts",
        "The plan of a sync before any plugin edits it, as `entrepot stages NAME` prints it for a repository."
        " `ContentUnassociation` is in it only when mirroring. What a stage *needs*, some stage before it must *give*:"
        " that is checked before anything is fetched.",
        table(["", "stage", "does", "needs", "gives"], rows),
        *sections,
        "## Facts",
        'A plugin may make facts of its own: `Fact("licences-known")`. These are known to all:',
        table(["name", "fact"], [[code(f"facts.{name}"), code(fact)] for name, fact in _known_facts()]),
    )


def _known_facts() -> list[tuple[str, str]]:
    return [(name, value) for name, value in vars(facts).items() if name.isupper() and isinstance(value, str)]
