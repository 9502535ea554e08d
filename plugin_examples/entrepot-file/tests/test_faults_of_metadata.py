"""Hostile lists: each bad line is told, no name leaves its root, and odd names are served as they are."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from entrepot.plugin import EntrepotError, Failed, InvalidMetadata
from entrepot.testing import served
from entrepot.testing import sync as synced

LISTS = ["PULP_MANIFEST", "SHA256SUMS"]
BODY = b"some bytes"
SHA256 = hashlib.sha256(BODY).hexdigest()


def line(name: str, path: str, digest: str = SHA256) -> str:
    """Write a path into a list of either kind."""
    return f"{path},{digest},{len(BODY)}" if name == "PULP_MANIFEST" else f"{digest}  {path}"


async def get(address: str, path: str, accept: str = "*/*") -> tuple[bytes, bytes]:
    """Ask for a path exactly as it is written, and return head and body."""
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body


ODD = {
    "percent signs": "%2e%2e%2fx",
    "a leading dash": "-rf",
    "colons": "c:folder:x",
    "another scheme's look": "http:x",
    "a dot at the end": "x.",
    "a space at the end": "x ",
    "hidden": ".hidden/..x",
    "a question": "a?b=c&d#e",
    "something invisible": "a\u200bb\u202ec",
    "a long name": "n" * 255,
    "deep folders": "/".join("d" * 2000),
    "markup": "<script>alert(1)</script>'\".iso",
}


@pytest.mark.fault("B02", "B03", "B05", "B16")
@pytest.mark.promise("P29")
@pytest.mark.parametrize("name", LISTS)
async def test_an_odd_name_is_mirrored_and_served_as_it_is(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, name: str
) -> None:
    """Nothing is decoded, trimmed or interpreted: the path that is listed is asked for, and served."""
    for path in ODD.values():
        upstream.origin.put(f"/{quote(path)}", BODY)
    upstream.write(name, [line(name, path) for path in ODD.values()])

    with open_depot(upstream.origin.url(f"/{name}")) as opened:
        await sync(opened)
        async with served(opened) as address:
            answers = {odd: await get(address, f"/isos/{quote(path)}") for odd, path in ODD.items()}

    assert {odd: body for odd, (_, body) in answers.items()} == dict.fromkeys(ODD, BODY)
    assert all(head.startswith(b"HTTP/1.1 200") for head, _ in answers.values())


REFUSED = {
    "NUL": "a\0b",
    "ESC": "a\x1b[2Jb",
    "DEL": "a\x7fb",
    "a tab": "a\tb",
    "a bell": "a\x07",
    "a backslash": "..\\..\\x",
    "climbing": "a/../../x",
    "two dots": "..",
    "a root": "/etc/passwd",
    "a segment of nothing": "a//b",
    "a dot": "a/./b",
    "a slash at the end": "a/",
    "256 bytes": "n" * 256,
    "256 bytes in 86 characters": "\u20ac" * 86,
    "5,000 bytes": "/".join(["n" * 200] * 25),
    "3,000 levels": "/".join("d" * 3000),
    "ten kilobytes of pictures": "\U0001f600" * 2500,
}


@pytest.mark.fault("B01", "B02", "B03", "B16")
@pytest.mark.promise("P29", "P06")
@pytest.mark.parametrize("name", LISTS)
async def test_a_name_that_could_harm_is_told_by_its_line_in_words_that_cannot(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any, name: str
) -> None:
    """Each error is short, and holds nothing that a terminal would obey; the good file is mirrored."""
    good = line(name, "a.iso", hashlib.sha256(upstream.files["a.iso"]).hexdigest()).replace(",10", ",18")
    upstream.write(name, [good, *(line(name, path) for path in REFUSED.values())])
    events: list[Any] = []

    with open_depot(upstream.origin.url(f"/{name}"), on_error="skip") as opened:
        await synced(opened, "isos", listener=events.append)

        assert listed(opened) == {"a.iso": upstream.files["a.iso"]}
        run = opened.catalog.reader.last_run("isos")
        failures = opened.catalog.reader.failures("isos", run.id)

    told = [event for event in events if type(event).__name__ == "UnitFailed"]
    assert len(failures) == len(told) == len(REFUSED)
    assert [request.path for request in upstream.origin.requests] == [f"/{name}", "/a.iso"]
    for text in [*(failure.error for failure in failures), *(event.unit for event in told)]:
        assert len(text) < 1000
        assert text.replace("\n", "").isprintable()


@pytest.mark.fault("B01", "B19")
@pytest.mark.promise("P06", "P29")
@pytest.mark.parametrize("name", LISTS)
async def test_one_name_that_could_harm_ends_a_strict_sync(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, name: str
) -> None:
    """With the line, and in bounds although the name has none; no version is made."""
    upstream.write(name, [line(name, "a.iso"), line(name, "\U0001f600\x7f" * 2500)])

    with open_depot(upstream.origin.url(f"/{name}"), policy="on_demand") as opened:
        with pytest.raises(Failed) as told:
            await sync(opened)

        assert opened.catalog.reader.repositories()[0].latest is None

    assert f"/{name}, line 2" in told.value.where
    assert len(str(told.value)) < 1000
    assert str(told.value).replace("\n", "").isprintable()


@pytest.mark.fault("B05", "B06")
@pytest.mark.parametrize("name", LISTS)
async def test_names_that_some_file_systems_confuse_stay_apart(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any, name: str
) -> None:
    """Case, normal form, and a folder of a file's name: what is served never was a file of that name here."""
    paths = ["A", "a", "caf\u00e9", "cafe\u0301", "x", "x.", "x ", "a/b", "a/b/c"]
    files = {path: f"the bytes of {path}".encode() for path in paths}
    for path, body in files.items():
        upstream.origin.put(f"/{quote(path)}", body)
    sums = {path: hashlib.sha256(body).hexdigest() for path, body in files.items()}
    manifest = [f"{path},{sums[path]},{len(body)}" for path, body in files.items()]
    upstream.write(name, manifest if name == "PULP_MANIFEST" else [f"{sums[path]}  {path}" for path in files])

    with open_depot(upstream.origin.url(f"/{name}")) as opened:
        await sync(opened)

        assert listed(opened) == files
        async with served(opened) as address:
            got = {path: (await get(address, f"/isos/{quote(path)}"))[1] for path in paths}
    assert got == files


@pytest.mark.fault("B16")
async def test_a_listing_shows_markup_in_names_as_text(
    upstream: Any, open_depot: Callable[..., Any], sync: Any
) -> None:
    """A browser that is shown the folder runs nothing of it."""
    path = "<img src=x onerror=alert(1)>/\"quoted'&.iso"
    upstream.origin.put(f"/{quote(path)}", BODY)
    upstream.write("SHA256SUMS", [line("SHA256SUMS", path)])

    with open_depot(upstream.origin.url("/SHA256SUMS")) as opened:
        await sync(opened)
        async with served(opened) as address:
            _, top = await get(address, "/isos/", "text/html")
            _, inner = await get(address, f"/isos/{quote(path.rpartition('/')[0])}/", "text/html")

    assert b"<img" not in top + inner
    assert b"&lt;img" in top
    assert b"\"quoted'" not in inner


WEAK = {"md5": "0" * 32, "sha1": "0" * 40, "sha512": "0" * 128, "not hexadecimal": "g" * 64, "nothing": ""}


@pytest.mark.fault("B13")
@pytest.mark.promise("P12")
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("what", WEAK)
async def test_only_a_sha256_is_a_sha256(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, name: str, what: str
) -> None:
    """A list with another kind of digest is not taken at its word, nor guessed at."""
    upstream.write(name, [line(name, "a.iso", WEAK[what])])

    with open_depot(upstream.origin.url(f"/{name}")) as opened, pytest.raises(EntrepotError, match="sha256") as told:
        await sync(opened)

    assert f"/{name}, line 1" in told.value.where
    assert upstream.asked("a.iso") == 0


BYTES: dict[str, tuple[Callable[[str], bytes], bool]] = {
    "a byte order mark": (lambda text: b"\xef\xbb\xbf" + text.encode(), True),
    "CRLF": (lambda text: text.replace("\n", "\r\n").encode(), True),
    "no end of line": (lambda text: text.rstrip("\n").encode(), True),
    "Latin-1": (lambda text: text.encode() + b"\xe9.iso," + SHA256.encode() + b",1\n", False),
    "a lone surrogate": (lambda text: text.encode() + b"\xed\xa0\x80," + SHA256.encode() + b",1\n", False),
    "UTF-16": (lambda text: text.encode("utf-16"), False),
    "an overlong slash": (lambda text: text.encode() + b"..\xc0\xafx," + SHA256.encode() + b",1\n", False),
}


@pytest.mark.fault("B18")
@pytest.mark.parametrize("how", BYTES)
async def test_a_list_is_utf_8_and_else_it_is_refused(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any, how: str
) -> None:
    """What editors of other systems add is harmless; what is another encoding is not guessed."""
    written, good = BYTES[how]
    upstream.origin.put("/PULP_MANIFEST", written("".join(f"{line}\n" for line in upstream.manifest())))

    with open_depot(upstream.origin.url("/PULP_MANIFEST"), on_error="skip") as opened:
        if good:
            await sync(opened)
            assert listed(opened) == upstream.files
        else:
            with pytest.raises(InvalidMetadata, match="UTF-8"):
                await sync(opened)


@pytest.mark.fault("B19")
@pytest.mark.promise("P06")
async def test_one_bad_line_of_two_thousand_fails_the_sync_or_is_skipped_alone(
    upstream: Any, open_depot: Callable[..., Any], sync: Any
) -> None:
    """As `on_error` says; the report has that line, and no other."""
    lines = [f"folder/{number},{number:064x},{number}" for number in range(2_000)]
    lines[1_400] = f"../out,{SHA256},5"
    upstream.write("PULP_MANIFEST", lines)

    with open_depot(upstream.origin.url("/PULP_MANIFEST"), policy="on_demand") as opened:
        with pytest.raises(Failed, match="leaves its root") as told:
            await sync(opened)
        assert "line 1401" in told.value.where
        assert opened.catalog.reader.repositories()[0].latest is None

    with open_depot(upstream.origin.url("/PULP_MANIFEST"), policy="on_demand", on_error="skip") as opened:
        await sync(opened)

        run = opened.catalog.reader.last_run("isos")
        assert [
            failure.error.count("leaves its root") for failure in opened.catalog.reader.failures("isos", run.id)
        ] == [1]
        assert len(opened.catalog.reader.members("isos", 1, limit=2_001)) == 1_999
