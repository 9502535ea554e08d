"""Publish again: make damaged files of a publication once more, from what the catalog has.

Content, publisher and options decide the bytes. So where publisher and options are what they were,
the same bytes come out, and often where they are not; what comes out is compared before anything is
replaced.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from entrepot.errors import EntrepotError, IntegrityError
from entrepot.model.artifact import Artifact
from entrepot.model.publication import PublishedFile
from entrepot.publish.build import pieces_of
from entrepot.publish.fingerprint import fingerprint
from entrepot.publish.view import LedgerView

if TYPE_CHECKING:
    from entrepot.catalog.finished import FinishedVersion
    from entrepot.catalog.inventory import PublishedAt
    from entrepot.depot import Depot
    from entrepot.model.publication import Publisher

#: Damaged files of one version, by path and media type.
Wanted: TypeAlias = dict[tuple[str, str], "PublishedAt"]


async def publish_again(depot: Depot, digests: Sequence[bytes], *, stored: bool) -> Mapping[bytes, Sequence[str]]:
    """Make files of publications once more, in storage or in the catalog; for each not mended, why.

    The latest version that has a file is rendered, each version once. Beside a sync this is safe:
    right bytes take the place of wrong ones, and nothing else changes.
    """
    reasons: dict[bytes, list[str]] = {digest: [] for digest in digests}
    places = await depot.catalog.ask(depot.catalog.inventory.published, digests)
    for (name, number), files in groupby(places, key=lambda place: (place.name, place.number)):
        wanted = {
            (place.relative_path, place.media_type): place
            for place in files
            if place.sha256 in reasons and place.stored == stored
        }
        if not wanted:
            continue
        why = "its publisher no longer makes this file"
        try:
            await _render(depot, wanted, reasons)
        except EntrepotError as error:
            why = error.what
        except Exception as error:  # a publisher is a plugin: it may raise anything, and others go on
            why = f"its publisher raised {type(error).__name__}: {error}"
        for place in (place for place in wanted.values() if place.sha256 in reasons):
            reasons[place.sha256].append(f"{name}@{number}, {place.relative_path}: {why}")
    return {digest: why or ["no version has it any more"] for digest, why in reasons.items()}


async def _render(depot: Depot, wanted: Wanted, reasons: dict[bytes, list[str]]) -> None:
    """Run the publisher of a version until it has made what is wanted; what is mended leaves both."""
    place = next(iter(wanted.values()))
    publisher = await asyncio.to_thread(_publisher, depot, place)
    finished = depot.catalog.finished(place.repository, place.number)
    published = publisher.publish(LedgerView(place.name, finished, whole=True))
    try:
        async for file in published:
            if isinstance(file, PublishedFile):
                name = (file.relative_path, file.media_type)
                await _take(depot, wanted.get(name), file, reasons)
                wanted.pop(name, None)
            if not wanted:
                break
    finally:
        await _ended(published, finished)


def _publisher(depot: Depot, place: PublishedAt) -> Publisher:
    request = depot.request(place.name)
    found = depot.plugins.publisher(request.repository.type)
    if found is None:
        raise IntegrityError("nobody publishes its type any more", place.relative_path, "entrepot plugins")
    return found[1].make(request)


def _is_as_it_was(depot: Depot, place: PublishedAt) -> bool:
    """Whether the same publisher with the same options wrote the version, as the seal noted it."""
    request = depot.request(place.name)
    found = depot.plugins.publisher(request.repository.type)
    noted = depot.catalog.reader.version(place.name, place.number).fingerprint
    if found is None:
        return False
    name, publisher = found
    return noted == fingerprint(
        publisher=f"{name}:{publisher.type}", version=publisher.version, options=request.options
    )


async def _other(depot: Depot, place: PublishedAt) -> IntegrityError:
    as_it_was = await asyncio.to_thread(_is_as_it_was, depot, place)
    return IntegrityError(
        "its publisher makes other bytes of the same content"
        if as_it_was
        else "it was published by another version of its publisher, or with other options",
        where=f"{place.name}@{place.number}, {place.relative_path}",
        remedy=f"use another version: entrepot versions {place.name}",
    )


async def _take(depot: Depot, place: PublishedAt | None, file: PublishedFile, reasons: dict[bytes, list[str]]) -> None:
    """Keep a body that is wanted and right; every other is read to its end, as publishers expect."""
    if place is None or place.sha256 not in reasons:
        async for _ in pieces_of(file.body):
            pass
        return
    try:
        await (_store if place.stored else _write)(depot, place, file)
    except IntegrityError as error:
        reasons[place.sha256].append(f"{error.where}: {error.what}")
    else:
        del reasons[place.sha256]


async def _write(depot: Depot, place: PublishedAt, file: PublishedFile) -> None:
    body = b"".join([piece async for piece in pieces_of(file.body)])
    if hashlib.sha256(body).digest() != place.sha256:
        raise await _other(depot, place)
    await depot.catalog.keep_body(place.sha256, body)


async def _store(depot: Depot, place: PublishedAt, file: PublishedFile) -> None:
    incoming = depot.storage.receive(Artifact(sha256=place.sha256.hex(), size=place.size))
    try:
        async for piece in pieces_of(file.body):
            incoming.write(piece)
        received = await asyncio.to_thread(incoming.finish)
    except IntegrityError as error:
        incoming.discard()
        raise await _other(depot, place) from error
    except BaseException:
        incoming.discard()
        raise
    (kept,) = await asyncio.shield(asyncio.to_thread(depot.storage.keep, [received]))
    await depot.catalog.keep_fetched(place.name, kept, private=place.private)


async def _ended(published: AsyncIterator[object], finished: FinishedVersion) -> None:
    aclose = getattr(published, "aclose", None)
    try:
        if aclose is not None:
            await aclose()
    finally:
        await asyncio.to_thread(finished.close)
