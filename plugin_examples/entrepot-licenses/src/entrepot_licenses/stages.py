"""The stages: one has small metadata come early, one judges, and labels what it lets through."""

from __future__ import annotations

import asyncio
import datetime
import tempfile
from typing import IO

import attrs

from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    EntrepotError,
    Fetched,
    Stage,
    Stored,
    facts,
    indexed,
    key,
)
from entrepot_licenses.core_metadata import Said, read_license, tells
from entrepot_licenses.policy import LicenseException, Policy, canonical

_REMEDY = "widen allow or means in the options of plugin 'licenses', or write an exception"


@attrs.frozen
class LicenseLabel(Content):
    """The licence of another unit, by its natural key; whether that was left out, or why not."""

    TYPE = "licenses.label"

    of: str = key()
    expression: str = indexed(default="")
    denied: bool = False
    exception: str = ""


class FetchMetadata(Stage):
    """Have metadata files come during the sync, also where the files they describe come on demand.

    The downloader then takes them with all else; nothing is fetched twice. Order is kept.
    """

    needs = frozenset({facts.DECLARED})
    precedes = frozenset({facts.ARTIFACTS_QUERIED})

    async def run(self) -> None:
        async for unit in self.items():
            for artifact in unit.d_artifacts:
                if artifact.relative_path.endswith(".metadata"):
                    artifact.deferred_download = False
            await self.put(unit)


class JudgeLicenses(Stage):
    """Refuse units whose licence is denied or unknown; put a label on for each whose licence is known.

    Units without artifacts have no licence, and pass. Order is kept. What is refused leaves the
    repository's next version too, where an earlier sync had let it in; its label says so.
    """

    needs = frozenset({facts.DOWNLOADED})
    precedes = frozenset({facts.ARTIFACTS_SAVED})

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def run(self) -> None:
        async for units in self.batches(minsize=50):
            for unit, said in zip(units, await asyncio.gather(*map(self._read, units)), strict=True):
                if isinstance(said, EntrepotError):
                    await self.fail(unit, said)
                elif said is None:
                    await self.put(unit)
                else:
                    await self._judge(unit, said)

    async def _judge(self, unit: DeclarativeContent, said: Said) -> None:
        fault = self._fault(said)
        exception = self._exception(unit) if fault else None
        is_denied = fault is not None and exception is None
        if fault is not None and is_denied:
            await self.refuse(unit, *fault, evict=True, remedy=_REMEDY)
        else:
            await self.put(unit)
        because = f"{exception.reason} (until {exception.until})" if exception else ""
        if because:
            self.remark(unit, "license-exception", because)
        if self._policy.options.label and (said.expression or because):
            label = LicenseLabel(unit.key, said.expression or "", is_denied, because)
            # A label of what is left out further on, by whomever, would speak of nothing.
            needs = () if is_denied else (unit.key,)
            await self.put(DeclarativeContent(label, scope=unit.scope, depends_on=needs))

    def _exception(self, unit: DeclarativeContent) -> LicenseException | None:
        if not self._policy.options.exceptions:
            return None
        today = datetime.datetime.fromtimestamp(self.context.now(), datetime.UTC).date()
        return self._policy.exception(unit.content.known_as(), today)

    def _fault(self, said: Said) -> tuple[str, str] | None:
        if said.expression is not None:
            if self._policy.admits(said.expression):
                return None
            return "license-denied", f"its licence is {said.expression}"
        if self._policy.options.unknown == "allow":
            return None
        return "license-unknown", f"its licence is not known: {said.words[:200]!r}"

    async def _read(self, unit: DeclarativeContent) -> Said | EntrepotError | None:
        own = getattr(unit.content, "license_expression", None)
        if isinstance(own, str):
            return Said(canonical(own), own)
        if not unit.d_artifacts:
            return None
        telling = [each for each in unit.d_artifacts if tells(each.relative_path) and _is_here(each)]
        if not telling:
            return Said(None, "there is no metadata to read before the file itself is fetched")
        try:
            return await self._read_from(max(telling, key=lambda each: each.relative_path.endswith(".metadata")))
        except EntrepotError as error:
            return error

    async def _read_from(self, artifact: DeclarativeArtifact) -> Said:
        with await self._opened(artifact) as file:
            return await asyncio.to_thread(read_license, artifact.relative_path, file, self._policy.means)

    async def _opened(self, artifact: DeclarativeArtifact) -> IO[bytes]:
        match artifact.state:
            case Fetched(received=received):
                return received.path.open("rb")
            case Stored(artifact=stored):
                file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by who reads it
                async for chunk in self.context.open(Artifact(sha256=stored.sha256.hex(), size=stored.size)):
                    file.write(chunk)
                file.seek(0)
                return file
        raise TypeError(f"{artifact!r} is not here")


def _is_here(artifact: DeclarativeArtifact) -> bool:
    return isinstance(artifact.state, Fetched) or (
        # What is deferred may be known and its bytes lost: it is fetched when somebody asks.
        isinstance(artifact.state, Stored) and not artifact.deferred_download
    )
