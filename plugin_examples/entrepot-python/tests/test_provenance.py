"""Documents of provenance (PEP 740): mirrored byte for byte, or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

import pytest

from entrepot.testing import Reply, check_depot, served
from entrepot_python.read_html import read_html

JSON, HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"

Open = Callable[..., AbstractContextManager[Any]]

NAME = "demo-3.0-py3-none-any.whl"
WHERE = "/integrity/demo-3.0"
CLOSURE = {"dependencies": True, "python_versions": ("3.11",), "platforms": ("manylinux_2_28_x86_64",)}


def document(filename: str, body: bytes) -> bytes:
    """An unsigned provenance, written as no encoder here would write it again."""
    subject = {"name": filename, "digest": {"sha256": hashlib.sha256(body).hexdigest()}}
    said = json.dumps({"_type": "https://in-toto.io/Statement/v1", "subject": [subject], "predicateType": "x"})
    attestation = {
        "version": 1,
        "verification_material": {"certificate": "MII=", "transparency_entries": [{"logIndex": "1"}]},
        "envelope": {"statement": base64.b64encode(said.encode()).decode(), "signature": "MEU="},
    }
    bundle = {"publisher": {"kind": "GitHub"}, "attestations": [attestation]}
    written = json.dumps({"version": 1, "attestation_bundles": [bundle]}, indent=3, separators=(" ,", " :  "))
    return f"{written}\r\n\n".encode()


def attest(index: Any, filename: str = NAME, where: str = WHERE) -> bytes:
    """List a file with provenance, and serve that."""
    body = index.add("demo", filename, provenance=f"../..{where}")
    told = document(filename, body)
    index.origin.put(where, told)
    return told


def options(**more: Any) -> dict[str, Any]:
    """The options, with provenance."""
    return {"include": ["demo"], "provenance": True, **more}


def get(url: str) -> bytes:
    """What a client gets."""
    with urlopen(url) as answer:
        body: bytes = answer.read()
    return body


def remarks(mirror: Any) -> list[str]:
    """What the last run remarked."""
    said = mirror.depot.catalog.reader.last_run("tools").report["remarks"]
    told = [each for each in said if each["rule"] == "provenance"]
    assert all(each["key"] == f'["python.file","demo","{NAME}"]' for each in told)
    return [each["reason"] for each in told]


def said_of(mirror: Any, filename: str = NAME, number: int | None = None) -> str | None:
    """The address of a file's provenance, as a page in JSON has it."""
    files = mirror.page("demo", number or mirror.latest())["files"]
    (found,) = [file.get("provenance") for file in files if file["filename"] == filename]
    assert found is None or isinstance(found, str)
    return found


@pytest.mark.promise("P02")
@pytest.mark.parametrize("policy", ["immediate", "on_demand", "streamed"])
@pytest.mark.parametrize("dependencies", [False, True])
async def test_a_document_is_served_byte_for_byte_without_upstream(
    open_mirror: Open, index: Any, policy: str, dependencies: bool
) -> None:
    """Whatever the policy: nothing would say later which bytes it was."""
    told = attest(index)
    more = CLOSURE if dependencies else {}

    with open_mirror([], policy=policy, options=options(**more)) as mirror:
        await mirror.sync()
        index.origin.on("/*", Reply(status=503))
        async with served(mirror.depot) as address:
            url = f"{address}/tools/simple/demo/"
            pages = [await asyncio.to_thread(get, f"{url}?format={kind}") for kind in (JSON, HTML)]
            listed = [file for file in json.loads(pages[0])["files"] if file["filename"] == NAME]
            links = [entry for entry in read_html(pages[1]).entries if entry.filename == NAME]
            found = {urljoin(url, listed[0]["provenance"]), urljoin(url, links[0].provenance or "")}  # type: ignore[union-attr]
            (where,) = found
            body = await asyncio.to_thread(get, where)

        assert where == f"{address}/tools/packages/demo/{NAME}.provenance"
        assert body == told
        check_depot(mirror.depot)
    assert index.origin.count(WHERE) == 1


async def test_it_is_named_absolutely_where_it_is_known_how_clients_come(open_mirror: Open, index: Any) -> None:
    """PEP 740 wants a whole URL; nobody but the operator knows one."""
    attest(index)

    with open_mirror([], options=options(base_url="https://mirror.example/tools")) as mirror:
        await mirror.sync()
        assert said_of(mirror) == f"https://mirror.example/tools/packages/demo/{NAME}.provenance"
        (file, *_) = mirror.page("demo")["files"]
        assert file["url"].startswith("../../")


async def test_without_the_option_nothing_is_asked_for_and_the_address_is_passed_on(
    open_mirror: Open, index: Any
) -> None:
    """As it was before there was one."""
    attest(index)

    with open_mirror(["demo"]) as mirror:
        await mirror.sync()
        assert said_of(mirror) == index.origin.url(WHERE)
        assert mirror.published(f"packages/demo/{NAME}.provenance") == []
    assert index.origin.count(WHERE) == 0


async def test_a_document_is_asked_for_once_and_kept(open_mirror: Open, index: Any) -> None:
    """An unchanged page asks for nothing more, a changed one for what is new; other options ask nothing again."""
    told = attest(index)

    with open_mirror([], options=options()) as mirror:
        await mirror.sync()
        await mirror.sync()
        attest(index, "demo-4.0.tar.gz", "/integrity/demo-4.0")
        await mirror.sync()
        assert mirror.latest() == 2
        assert said_of(mirror, "demo-4.0.tar.gz") == "../../packages/demo/demo-4.0.tar.gz.provenance"
    with open_mirror([], options=options(max_size=10**6)) as mirror:
        index.origin.on(WHERE, Reply(status=404))
        await mirror.sync()
        (found,) = mirror.published(f"packages/demo/{NAME}.provenance", mirror.latest())

    assert found.artifact.sha256 == hashlib.sha256(told).digest()
    assert (index.origin.count("/integrity/*"), index.origin.count("/simple/demo/")) == (2, 4)


@pytest.mark.fault("A14", "A21", "A23")
@pytest.mark.promise("P02")
@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(status=404), "404"),
        (Reply(status=403), "403"),
        (
            Reply(body=b"<title>Log in</title>", headers={"Content-Type": "text/html"}),
            "no provenance as PEP 740",
        ),
        (Reply(body=b""), "no provenance as PEP 740"),
        (Reply(body=b" " * (1024**2 + 1)), "larger than 1048576 bytes"),
        (Reply(body=document(NAME, b"other bytes")), "other bytes than the index lists"),
        (Reply(body=document("other-1.0.zip", f"the bytes of {NAME}".encode())), "another file"),
        (Reply(body=document(NAME, f"the bytes of {NAME}".encode())[:500], framing="close"), "where its body ends"),
        (Reply(body=b"x", headers={"Content-Encoding": "gzip"}), "encoded as 'gzip'"),
        (Reply.redirect("file:///etc/passwd"), "redirect"),
    ],
    ids=["404", "403", "login", "empty", "large", "bytes", "name", "cut", "gzip", "redirect"],
)
async def test_what_is_not_its_provenance_costs_the_file_nothing(
    open_mirror: Open, index: Any, reply: Reply, why: str
) -> None:
    """The index's own address is passed on then; the remark says why, and it is asked for once."""
    attest(index)
    index.origin.on(WHERE, reply)

    with open_mirror([], options=options()) as mirror:
        await mirror.sync()
        (reason,) = remarks(mirror)
        await mirror.sync()

        assert why in reason
        assert "the index's own address of it is passed on" in reason
        assert said_of(mirror) == index.origin.url(WHERE)
        assert NAME in mirror.filenames("demo")
        assert len(mirror.published(f"packages/demo/{NAME}")) == 1
        assert mirror.published(f"packages/demo/{NAME}.provenance") == []
        assert mirror.latest() == 1
    assert index.origin.count(WHERE) == 1


@pytest.mark.fault("A01", "A07")
@pytest.mark.parametrize("dependencies", [False, True])
@pytest.mark.parametrize("reply", [Reply(status=503), Reply(body=b"{" * 100, cut=50)], ids=["503", "cut"])
async def test_what_may_come_later_is_asked_for_again(
    open_mirror: Open, index: Any, reply: Reply, dependencies: bool
) -> None:
    """Also where the page is the same: the next sync heals it, and the one after that is quiet."""
    told = attest(index)
    index.origin.on(WHERE, reply, reply, Reply(body=told))
    more = CLOSURE if dependencies else {}

    with open_mirror([], options=options(**more)) as mirror:
        await mirror.sync()
        assert said_of(mirror) == index.origin.url(WHERE)
        await mirror.sync()
        assert (mirror.latest(), len(remarks(mirror))) == (1, 1)
        await mirror.sync()
        assert (mirror.latest(), remarks(mirror)) == (2, [])
        assert said_of(mirror) == f"../../packages/demo/{NAME}.provenance"
        assert said_of(mirror, number=1) == index.origin.url(WHERE)
        await mirror.sync()
    assert index.origin.count(WHERE) == 3


async def test_a_file_with_new_bytes_has_its_own_document(open_mirror: Open, index: Any) -> None:
    """What was about the old bytes is not served beside the new ones."""
    attest(index)

    with open_mirror([], options=options()) as mirror:
        await mirror.sync()
        changed = b"bytes of another build"
        index.origin.put(f"/packages/{NAME}", changed)
        index.pages["demo"][-1] |= {"hashes": {"sha256": hashlib.sha256(changed).hexdigest()}, "size": len(changed)}
        index.write("demo")
        await mirror.sync()

        assert mirror.latest() == 2
        assert "other bytes" in remarks(mirror)[0]
        assert said_of(mirror) == index.origin.url(WHERE)
        assert said_of(mirror, number=1) == f"../../packages/demo/{NAME}.provenance"


async def test_a_document_that_storage_lost_is_asked_for_again(open_mirror: Open, index: Any) -> None:
    """And where it is gone upstream by then, the file stays."""
    told = attest(index)

    with open_mirror([], options=options()) as mirror:
        await mirror.sync()
        mirror.depot.storage.path(hashlib.sha256(told).digest()).unlink()
        index.origin.on(WHERE, Reply(status=404))
        index.write("demo", versions=["3.0"])
        await mirror.sync()

        assert mirror.latest() == 2
        assert said_of(mirror) == index.origin.url(WHERE)
        assert NAME in mirror.filenames("demo", 2)


@pytest.mark.fault("B14", "B13")
@pytest.mark.promise("P30")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"provenance": "https://user:word@index.example/x"}, "names a user"),
        ({"provenance": "file:///etc/passwd"}, "no URL to download from"),
        ({"provenance": "http://[::1"}, "no URL to download from"),
        ({"hashes": {"sha512": hashlib.sha512(f"the bytes of {NAME}".encode()).hexdigest()}}, "tells no sha256"),
    ],
)
async def test_what_cannot_be_asked_for_or_checked_is_not(
    open_mirror: Open, index: Any, changed: dict[str, Any], why: str
) -> None:
    """And no secret of an address is told."""
    attest(index)
    index.pages["demo"][-1] |= changed
    index.write("demo")

    with open_mirror([], options=options()) as mirror:
        await mirror.sync()
        (reason,) = remarks(mirror)

        assert why in reason
        assert "word" not in reason
        assert said_of(mirror) == (index.origin.url(WHERE) if "hashes" in changed else None)
    assert index.origin.count(WHERE) == 0


@pytest.mark.fault("B04")
async def test_a_file_that_is_listed_twice_has_one_document(open_mirror: Open, index: Any) -> None:
    """Asked for once, and there for as long as either of its units needs it."""
    attest(index)
    index.pages["demo"].append(index.pages["demo"][-1])
    index.write("demo")

    with open_mirror([], options=options()) as mirror:
        await mirror.sync()
        assert mirror.filenames("demo").count(NAME) == 1
        assert said_of(mirror) == f"../../packages/demo/{NAME}.provenance"
    assert index.origin.count(WHERE) == 1


async def test_a_folder_of_files_has_documents_too(open_mirror: Open, index: Any, tmp_path: Path) -> None:
    """A page in a folder names what is beside it; no page on the network does."""
    body = b"a file"
    told = document(NAME, body)
    for name, written in ((NAME, body), (f"{NAME}.provenance", told)):
        (tmp_path / name).write_bytes(written)
    link = (
        f'<a href="../../{NAME}#sha256={hashlib.sha256(body).hexdigest()}" data-provenance="../../{NAME}.provenance">x'
    )
    (tmp_path / "simple" / "demo").mkdir(parents=True)
    (tmp_path / "simple" / "demo" / "index.html").write_text(link)

    with open_mirror([], url=f"file://{tmp_path}/simple/", options=options()) as mirror:
        await mirror.sync()
        (found,) = mirror.published(f"packages/demo/{NAME}.provenance")

        assert found.artifact.sha256 == hashlib.sha256(told).digest()
        assert said_of(mirror) == f"../../packages/demo/{NAME}.provenance"
    assert index.origin.requests == []
