"""New files are scanned after they are downloaded and before they are saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from entrepot.plugin import (
    DeclarativeArtifact,
    DeclarativeContent,
    Declared,
    EntrepotError,
    Fetched,
    Received,
    Stage,
    facts,
    safe_url,
)
from entrepot_scan.options import ScanOptions
from entrepot_scan.quarantine import keep
from entrepot_scan.scanner import CLEAN, Finding, ScanFailed, Scanner

_UNCLEAR = "run the scanner by hand on any file; where such a status means a find, add it to infected"

Answer: TypeAlias = Finding | EntrepotError


class ScanArtifacts(Stage):
    """Refuse units with a file that the scanner objects to; fail those it gives no verdict on.

    Files that the depot holds already are not scanned again. A file that is to come on demand
    is never seen here: its unit is refused, unless `allow_unscanned` is set. Order is kept.
    """

    needs = frozenset({facts.DOWNLOADED})
    precedes = frozenset({facts.ARTIFACTS_SAVED})

    def __init__(self, options: ScanOptions) -> None:
        self._options = options

    async def run(self) -> None:
        scanner = Scanner(self._options)
        async for units in self.batches(minsize=scanner.batch * self._options.parallel):
            new = [artifact for unit in units for artifact in unit.d_artifacts if self._is_scanned(artifact)]
            answers = await self._scan_all(scanner, new)
            for unit in units:
                await self._judge(unit, answers)

    def _is_scanned(self, artifact: DeclarativeArtifact) -> bool:
        return isinstance(artifact.state, Fetched) and not self._is_too_large(artifact)

    def _is_too_large(self, artifact: DeclarativeArtifact) -> bool:
        most = self._options.max_size
        return most is not None and isinstance(artifact.state, Fetched) and artifact.state.received.size > most

    async def _scan_all(self, scanner: Scanner, new: Sequence[DeclarativeArtifact]) -> dict[int, Answer]:
        answers: dict[int, Answer] = {}
        async with asyncio.TaskGroup() as scans:
            for start in range(0, len(new), scanner.batch):
                scans.create_task(self._scan(scanner, new[start : start + scanner.batch], answers))
        return answers

    async def _scan(
        self, scanner: Scanner, artifacts: Sequence[DeclarativeArtifact], answers: dict[int, Answer]
    ) -> None:
        """Scan some files with one command; when it objects, by halves, to tell which."""
        try:
            answer: Answer = await scanner.scan([_received(artifact).path for artifact in artifacts])
        except EntrepotError as error:
            answer = error
        if len(artifacts) > 1 and isinstance(answer, Finding) and answer != CLEAN:
            middle = len(artifacts) // 2
            await self._scan(scanner, artifacts[:middle], answers)
            await self._scan(scanner, artifacts[middle:], answers)
        else:
            answers.update((id(artifact), answer) for artifact in artifacts)

    async def _judge(self, unit: DeclarativeContent, answers: Mapping[int, Answer]) -> None:
        reasons = []
        for artifact in unit.d_artifacts:
            answer = answers.get(id(artifact), CLEAN)
            if isinstance(answer, EntrepotError):
                await self.fail(unit, answer)
                return
            if answer.verdict == "unclear":
                await self.fail(unit, ScanFailed(f"{artifact.relative_path!r}: {answer}", remedy=_UNCLEAR))
                return
            if answer.verdict == "infected":
                kept = await self._quarantine(unit, artifact, answer)
                reasons.append(("infected", f"{artifact.relative_path!r}: {answer}{kept}"))
            elif self._is_too_large(artifact):
                reasons.append(("too-large-to-scan", f"{artifact.relative_path!r} is larger than max_size"))
            elif isinstance(artifact.state, Declared) and not self._options.allow_unscanned:
                reasons.append(("unscanned", f"{artifact.relative_path!r} would come on demand, unscanned"))
        if reasons:
            await self.refuse(unit, *reasons[0])
        else:
            await self.put(unit)

    async def _quarantine(self, unit: DeclarativeContent, artifact: DeclarativeArtifact, found: Finding) -> str:
        options, received = self._options, _received(artifact)
        if options.quarantine is None:
            return ""
        name = received.sha256.hex()
        note = {
            "repository": self.context.repository.name,
            "unit": unit.key,
            "path": artifact.relative_path,
            "url": safe_url(artifact.url) if artifact.url else None,
            "sha256": name,
            "size": received.size,
            "status": found.status,
            "said": found.words,
            "command": options.command,
            "seconds_since_1970": self.context.now(),
        }
        most = options.quarantine_files
        kept = await asyncio.to_thread(keep, options.quarantine, received.path, note, name=name, most=most)
        return f"; {kept}"


def _received(artifact: DeclarativeArtifact) -> Received:
    match artifact.state:
        case Fetched(received=received):
            return received
    raise TypeError(f"{artifact!r} is not here")
