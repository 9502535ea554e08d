"""Bare limits, to hold entrepot's figures against: what the same libraries do without it."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

_CHUNK = 256 * 1024


def paths(manifest: Path) -> list[str]:
    return [line.split(",", 1)[0] for line in manifest.read_text().splitlines()]


async def read_hash_write(url: str, names: list[str], folder: Path, *, concurrency: int) -> float:
    """Download with aiohttp, hash, write and rename, without syncing anything; the seconds it took."""
    waiting = iter(list(enumerate(names)))
    connector = aiohttp.TCPConnector(limit=concurrency)
    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        await asyncio.gather(*(_worker(session, url, waiting, folder) for _ in range(concurrency)))
    return time.perf_counter() - began


async def _worker(session: aiohttp.ClientSession, url: str, waiting: Iterator[tuple[int, str]], folder: Path) -> None:
    for number, name in waiting:
        temporary, digest = folder / f"{number}.part", hashlib.sha256()
        async with session.get(f"{url}/{name}") as reply:
            with temporary.open("wb") as file:
                async for chunk in reply.content.iter_chunked(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        temporary.rename(folder / digest.hexdigest())


def rows_for_a_manifest(manifest: Path, folder: Path) -> float:
    """Four rows a line into SQLite (WAL, FULL), a thousand lines a transaction; the seconds it took."""
    folder.mkdir(parents=True)
    began = time.perf_counter()
    catalog = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    catalog.executescript(
        """
        pragma journal_mode = wal; pragma synchronous = full;
        create table artifact (id integer primary key, sha256 blob unique, size int);
        create table content (id integer primary key, path text, sha256 blob, unique (path, sha256));
        create table content_artifact (id integer primary key, content int unique, artifact int, path text);
        create table member (id integer primary key, repository int, content int, unique (repository, content));
        """
    )
    with manifest.open() as file:
        first = 0
        while lines := [line.rstrip("\n").split(",") for _, line in zip(range(1000), file, strict=False)]:
            _insert(catalog, lines, first)
            first += len(lines)
    catalog.close()
    return time.perf_counter() - began


def _insert(catalog: sqlite3.Connection, lines: list[list[str]], first: int) -> None:
    rows = [(n, path, bytes.fromhex(digest), int(size)) for n, (path, digest, size) in enumerate(lines, first)]
    catalog.execute("begin immediate")
    catalog.executemany("insert into artifact values (?, ?, ?)", [(n, digest, size) for n, _, digest, size in rows])
    catalog.executemany("insert into content values (?, ?, ?)", [(n, path, digest) for n, path, digest, _ in rows])
    catalog.executemany("insert into content_artifact values (?, ?, ?, ?)", [(n, n, n, path) for n, path, _, _ in rows])
    catalog.executemany("insert into member values (?, ?, ?)", [(n, 1, n) for n, *_ in rows])
    catalog.execute("commit")
