"""A type of repository that takes notes of one's own, by where they are served, and has no upstream."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from entrepot.plugin import (
    Accepted,
    Content,
    FirstStage,
    Intake,
    RunContext,
    Stage,
    Upload,
    VersionView,
    facts,
    hookimpl,
    key,
)


@attrs.frozen
class Note(Content):
    """A note, by where it is served."""

    TYPE = "drawer.note"

    path: str = key()


class TakeNotes:
    """Takes whatever it is given."""

    def read(self, upload: Upload) -> Accepted:
        path = upload.said("path") or upload.filename
        return Accepted(content=Note(path), relative_path=path)

    async def along(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:
        del contents, held
        return ()

    async def without(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:
        del contents, held
        return ()


class Nothing(Stage):
    """Declares nothing."""

    gives = frozenset({facts.DECLARED})

    async def run(self) -> None:
        """There is no upstream of notes."""


class Drawer:
    """A type of repository that takes notes."""

    @hookimpl
    def entrepot_register_content_types(self) -> list[type[Content]]:
        return [Note]

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        def make(_: RunContext) -> Nothing:
            return Nothing()

        return [FirstStage("drawer", make=make, intake=Intake(lambda _: TakeNotes()))]
