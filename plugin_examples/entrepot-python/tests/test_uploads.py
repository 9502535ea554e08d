"""What somebody uploads: taken as it is, refused with a reason, and never in place of something else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from entrepot.testing import check_depot, served, withdraw_files

JSON = "application/vnd.pypi.simple.v1+json"
#: As the fixture that opens the depot has them.
TOKEN, READ_TOKEN = "let-me-in", "let-me-look"

Open = Callable[..., AbstractContextManager[Any]]


def metadata(project: str, version: str, more: str = "") -> str:
    """Core metadata."""
    return f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{more}\n"


def wheel(project: str, version: str, *, said: str | None = None, code: str = "") -> bytes:
    """A wheel that pip installs, the same for the same arguments."""
    info = f"{project}-{version}.dist-info"
    files = {
        f"{project}.py": f"VERSION = {version!r}\n{code}",
        f"{info}/METADATA": metadata(project, version) if said is None else said,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


@attrs.frozen
class Client:
    """Uploads as twine does, and looks at what there is."""

    address: str
    session: aiohttp.ClientSession

    async def upload(
        self, filename: str, body: bytes, *, token: str | None = TOKEN, path: str = "ours/upload/", **fields: str
    ) -> tuple[int, str]:
        """Send the form; status and what was said."""
        form = aiohttp.FormData()
        said = {"action": "file_upload", "protocol_version": "1", "sha256_digest": hashlib.sha256(body).hexdigest()}
        for name, value in (said | fields).items():
            form.add_field(":action" if name == "action" else name, value)
        form.add_field("content", io.BytesIO(body), filename=filename, content_type="application/octet-stream")
        basic = base64.b64encode(f"__token__:{token}".encode()).decode()
        headers = {} if token is None else {"Authorization": f"Basic {basic}"}
        async with self.session.post(f"{self.address}/{path}", data=form, headers=headers) as answer:
            return answer.status, (await answer.text()).strip()

    async def page(self, project: str, name: str = "ours") -> dict[str, Any]:
        """A project's page."""
        url = f"{self.address}/{name}/simple/{project}/"
        async with self.session.get(url, headers={"Accept": JSON}) as answer:
            return json.loads(await answer.read()) if answer.status == 200 else {}

    async def get(self, path: str) -> tuple[int, bytes]:
        """A file."""
        async with self.session.get(f"{self.address}/{path}") as answer:
            return answer.status, await answer.read()


@contextmanager
def nothing_left(opened: Any) -> Iterator[None]:
    """Whatever happened, the depot is sound, and no bytes that nobody needs are left behind."""
    yield
    assert not check_depot(opened)


def latest(opened: Any) -> int:
    """The number of the latest version; 0 where there is none."""
    rows = [row.latest for row in opened.catalog.reader.repositories() if row.name == "ours"]
    return (rows or [0])[0] or 0


async def test_what_is_uploaded_can_be_had(open_ours: Open) -> None:
    """A version for each upload, with all that was there before, the metadata beside the wheel, and when it came."""
    first = wheel("demo", "1.0", said=metadata("demo", "1.0", "Requires-Python: >=3.8\n"))
    second = wheel("demo", "1.1")
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(address, session)
            assert await client.upload("demo-1.0-py3-none-any.whl", first, name="Demo", version="1.0") == (
                200,
                "demo-1.0-py3-none-any.whl: it is in version 1",
            )
            assert (await client.upload("demo-1.1-py3-none-any.whl", second))[0] == 200
            assert (await client.upload("other-2-py3-none-any.whl", wheel("other", "2")))[0] == 200
            page = await client.page("demo")
            earlier = await client.page("demo", "ours@1")

            assert page["versions"] == ["1.0", "1.1"]
            assert [file["filename"] for file in earlier["files"]] == ["demo-1.0-py3-none-any.whl"]
            one, two = page["files"]
            assert one["requires-python"] == ">=3.8"
            assert one["hashes"] == {"sha256": hashlib.sha256(first).hexdigest()}
            assert (two["size"], two["upload-time"][-1]) == (len(second), "Z")
            assert await client.get("ours/packages/demo/demo-1.0-py3-none-any.whl") == (200, first)
            status, said = await client.get("ours/packages/demo/demo-1.1-py3-none-any.whl.metadata")
            assert (status, said.decode()) == (200, metadata("demo", "1.1"))
            assert two["core-metadata"] == {"sha256": hashlib.sha256(said).hexdigest()}


@pytest.mark.promise("P02")
async def test_a_name_keeps_its_bytes_for_good(open_ours: Open) -> None:
    """The same again is taken as done; others are refused, and what is there stays."""
    body = wheel("demo", "1.0")
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(address, session)
            assert (await client.upload("demo-1.0-py3-none-any.whl", body))[0] == 200
            assert await client.upload("demo-1.0-py3-none-any.whl", body) == (
                200,
                "demo-1.0-py3-none-any.whl: it is there already",
            )
            status, said = await client.upload("demo-1.0-py3-none-any.whl", wheel("demo", "1.0", code="EVIL = 1\n"))

            assert status == 409
            assert "already exists, with other bytes" in said
            assert latest(opened) == 1
            assert await client.get("ours/packages/demo/demo-1.0-py3-none-any.whl") == (200, body)


async def test_what_is_withdrawn_is_listed_no_more_and_the_project_stays(open_ours: Open) -> None:
    """File, metadata beside it and the version that it was the last of; earlier versions are as they were."""
    names = ["demo-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl"]
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(address, session)
            for name in names:
                assert (await client.upload(name, wheel(*name.split("-")[:2])))[0] == 200

            await withdraw_files(opened, "ours", [names[1]])
            one_left, gone = await client.page("demo"), await client.get(f"ours/packages/demo/{names[1]}.metadata")
            await withdraw_files(opened, "ours", [f"packages/demo/{names[0]}"])
            none_left, earlier = await client.page("demo"), await client.page("demo", "ours@2")

            assert (one_left["versions"], [file["filename"] for file in one_left["files"]]) == (["1.0"], names[:1])
            assert gone[0] == 404
            assert (none_left["name"], none_left["versions"], none_left["files"]) == ("demo", [], [])
            assert (earlier["versions"], [file["filename"] for file in earlier["files"]]) == (["1.0", "1.1"], names)
            assert (await client.upload(names[1], wheel("demo", "1.1", code="EVIL = 1\n")))[0] == 409
            assert (await client.upload(names[1], wheel("demo", "1.1")))[0] == 200
            assert (await client.page("demo"))["versions"] == ["1.1"]


GOOD = wheel("demo", "1.0")
NAME = "demo-1.0-py3-none-any.whl"
BAD: dict[str, tuple[str, bytes, dict[str, str], str]] = {
    "no archive": (NAME, b"no archive at all", {}, "no metadata"),
    "empty": (NAME, b"", {}, "no metadata"),
    "a bomb": (NAME, wheel("demo", "1.0", said="\0" * 20_000_000), {}, "within bounds"),
    "of another project": (NAME, wheel("evil", "1.0"), {}, "metadata is of 'evil'"),
    "of another version": (NAME, wheel("demo", "2.0"), {}, "metadata is of 'demo' '2.0'"),
    "nobody can read its Python": (
        NAME,
        wheel("demo", "1.0", said=metadata("demo", "1.0", "Requires-Python: python3\n")),
        {},
        "no installer can read",
    ),
    "of a version that is no number": (
        NAME,
        wheel("demo", "1.0", said=metadata("demo", "1" * 5000)),
        {},
        "metadata is of 'demo' '1111",
    ),
    "its metadata has no end of fields": (
        NAME,
        wheel("demo", "1.0", said=metadata("demo", "1.0", "".join(f"A{at}: b\n" for at in range(50_000)))),
        {},
        "50003 different fields",
    ),
    "the form says a version that is no number": (
        NAME,
        GOOD,
        {"version": "1" * 5000},
        "the form says that it is version '1111",
    ),
    "the form says another project": (NAME, GOOD, {"name": "evil"}, "the form says that it is of project 'evil'"),
    "the form says another version": (NAME, GOOD, {"version": "2.0"}, "the form says that it is version '2.0'"),
    "the form says another kind": (NAME, GOOD, {"filetype": "sdist"}, "the form says that it is a 'sdist'"),
    "damaged by SHA-256": (NAME, GOOD, {"sha256_digest": "0" * 64}, "damaged on its way"),
    "damaged by MD5": (NAME, GOOD, {"md5_digest": "0" * 32}, "damaged on its way"),
    "damaged by BLAKE2": (NAME, GOOD, {"blake2_256_digest": "0" * 64}, "damaged on its way"),
    "with attestations": (NAME, GOOD, {"attestations": "[]"}, "attestations would not be served"),
    "no distribution": ("readme.txt", b"hello", {}, "not the name of a wheel"),
    "an egg": ("demo-1.0.egg", b"hello", {}, "not the name of a wheel"),
    "out of its folder": ("../demo-1.0-py3-none-any.whl", GOOD, {}, "not the name of a wheel"),
    "in a folder of its own": ("demo-1.0-py3-none-a/b.whl", GOOD, {}, "not the name of a wheel"),
    "a name that is read in two ways": ("demo-1.0-py3-none-%2e.whl", GOOD, {}, "not the name of a wheel"),
    "a name that is written in two ways": ("demo-1.0-py3-none-\u00e4ny.whl", GOOD, {}, "not the name of a wheel"),
    "a name without end": (f"demo-1.0-{'x' * 10_000}-none-any.whl", GOOD, {}, "no form with a file"),
    "a long name": (f"demo-1.0-{'x' * 3_000}-none-any.whl", GOOD, {}, "not the name of a wheel"),
    "another action": (NAME, GOOD, {"action": "submit"}, ":action is not"),
    "another protocol": (NAME, GOOD, {"protocol_version": "2"}, "protocol_version is not"),
    "a field without end": (NAME, GOOD, {"description": "x" * 300_000}, "too long"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_breaks_the_rules_is_refused_with_a_reason(open_ours: Open, case: str) -> None:
    """And nothing of it is kept; what is good is taken afterwards."""
    filename, body, fields, why = BAD[case]
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(address, session)
            status, said = await client.upload(filename, body, **fields)

            assert status == (413 if case == "a field without end" else 400)
            assert why in said
            assert latest(opened) == 0
            assert (await client.upload(NAME, GOOD))[0] == 200


async def test_who_has_no_token_uploads_nothing(open_ours: Open, tmp_path: Path) -> None:
    """None, a wrong one, one that lets read; nor is there an upload where nobody asked for one."""
    with open_ours(private=True, read_token={"file": str(tmp_path / "read_token")}) as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(address, session)
            assert (await client.upload(NAME, GOOD, token=None))[0] == 401
            assert (await client.upload(NAME, GOOD, token="guess"))[0] == 403
            assert (await client.upload(NAME, GOOD, token=READ_TOKEN))[0] == 403
            assert (await client.upload(NAME, GOOD, path="none/upload/"))[0] == 404
            assert (await client.upload(NAME, GOOD, path="ours@1/upload/"))[0] == 404
            assert (await client.upload(NAME, GOOD, path="ours/"))[0] == 405
            assert (await client.upload(NAME, GOOD, path="ours/upload"))[0] == 200
    with open_ours(upload_token=None) as opened:
        async with served(opened) as address, aiohttp.ClientSession() as session:
            status, said = await Client(address, session).upload(NAME, GOOD)

            assert (status, "entrepot upload alone" in said) == (403, True)


async def test_what_is_too_large_is_refused_before_it_is_stored(open_ours: Open) -> None:
    """By its announced length, and where none is announced as soon as the limit is passed."""
    with open_ours(upload_limit=len(GOOD)) as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(address, session)
            assert (await client.upload(NAME, GOOD + b"x"))[0] == 413
            assert (await client.upload(NAME, b"x" * 6_000_000))[0] == 413
            assert (await client.upload(NAME, GOOD))[0] == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nnothing--x--"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\nno name\r\n--x--',
        ),
        ("multipart/mixed; boundary=x", b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--"),
    ],
)
async def test_what_is_no_form_is_refused(open_ours: Open, kind: str, body: bytes) -> None:
    """In a line, with 400."""
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            headers = {"Content-Type": kind, "Authorization": f"Bearer {TOKEN}"}
            async with session.post(f"{address}/ours/upload/", data=body, headers=headers) as answer:
                assert answer.status == 400
                assert (await answer.text()).strip()


async def test_a_body_that_cannot_be_unpacked_is_refused(open_ours: Open) -> None:
    """Though aiohttp finds that out, in the middle of reading: with 400, not as trouble of ours."""
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            headers = {
                "Content-Type": "multipart/form-data; boundary=x",
                "Content-Encoding": "gzip",
                "Authorization": f"Bearer {TOKEN}",
            }
            async with session.post(f"{address}/ours/upload/", data=b"--x\r\n", headers=headers) as answer:
                assert answer.status == 400
                assert "no form with a file" in await answer.text()


async def test_uploads_at_once_wait_for_each_other(open_ours: Open) -> None:
    """Each makes a version, and none loses another's."""
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            client = Client(address, session)
            versions = [f"{number}.0" for number in range(5)]
            done = await asyncio.gather(
                *(client.upload(f"demo-{each}-py3-none-any.whl", wheel("demo", each)) for each in versions)
            )

            assert [status for status, _ in done] == [200] * 5
            assert latest(opened) == 5
            assert (await client.page("demo"))["versions"] == versions


async def test_a_client_that_goes_away_leaves_nothing(open_ours: Open, tmp_path: Path) -> None:
    """In the middle of its file; the next one is served."""
    with open_ours() as opened, nothing_left(opened):
        async with served(opened) as address, aiohttp.ClientSession() as session:
            host, _, port = address.removeprefix("http://").partition(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                f"POST /ours/upload/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 900000\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
                f'Content-Disposition: form-data; name="content"; filename="{NAME}"\r\n\r\n'.encode()
                + b"x" * 300_000
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()

            assert (await Client(address, session).upload(NAME, GOOD))[0] == 200
            assert latest(opened) == 1
