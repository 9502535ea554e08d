"""An index on loopback, and a depot that mirrors it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

import entrepot_python.plugin
from entrepot.plugin import DeclarativeVersion, RepositoryVersion
from entrepot.testing import BadOrigin, Reply, depot

JSON = "application/vnd.pypi.simple.v1+json"


@attrs.define
class Index:
    """A simple index that speaks JSON; counts what it is asked for."""

    origin: BadOrigin
    pages: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict)

    def add(self, project: str, filename: str, **said: Any) -> bytes:
        """List a file, and serve it elsewhere on the same host."""
        body = f"the bytes of {filename}".encode()
        self.origin.put(f"/packages/{filename}", body)
        entry = {
            "filename": filename,
            "url": f"../../packages/{filename}",
            "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
            "size": len(body),
            **said,
        }
        self.pages.setdefault(project, []).append({key: value for key, value in entry.items() if value is not None})
        self.write(project)
        return body

    def write(self, project: str, **more: Any) -> None:
        """Serve the project's page, and the list of all."""
        page = {"meta": {"api-version": "1.1"}, "name": project, "files": self.pages[project], **more}
        self.serve(f"/simple/{project}/", page)
        self.serve("/simple/", {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in self.pages]})

    def serve(self, path: str, page: object) -> None:
        """Serve a page as an index does: with its media type, an ETag, and 304."""
        body = json.dumps(page).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        self.origin.on(path, Reply(body=body, headers={"Content-Type": JSON, "ETag": tag}, honest=True))


@pytest.fixture
async def index() -> AsyncIterator[Index]:
    """An index with two projects."""
    async with BadOrigin() as origin:
        index = Index(origin)
        index.add("demo", "demo-1.0.tar.gz")
        index.add("demo", "demo-2.0-py3-none-any.whl", **{"requires-python": ">=3.8"})
        index.add("other", "other-1.0.tar.gz")
        yield index


@attrs.frozen
class Mirror:
    """A depot with one repository, `tools`."""

    depot: Any

    async def sync(self) -> RepositoryVersion | None:
        """Sync the repository as it is configured."""
        request = self.depot.request("tools")
        first_stage = self.depot.first_stage("tools").make(request)
        return await DeclarativeVersion(first_stage, self.depot.repository("tools"), request.mirror).create_async()

    def latest(self) -> int:
        """The number of the version that is served."""
        return int(self.depot.catalog.reader.version("tools").number)

    def published(self, path: str, number: int = 1) -> list[Any]:
        """What a version has at a path, one for each media type."""
        return list(self.depot.catalog.reader.locate("tools", number, path))

    def page(self, project: str, number: int = 1) -> dict[str, Any]:
        """The page that a version publishes for a project, in JSON."""
        (body,) = [file.body for file in self.published(f"simple/{project}/", number) if file.media_type == JSON]
        read = json.loads(body)
        assert isinstance(read, dict)
        return read

    def filenames(self, project: str, number: int = 1) -> list[str]:
        """The files that a version lists for a project."""
        return [file["filename"] for file in self.page(project, number)["files"]]


@pytest.fixture
def open_mirror(tmp_path: Path, index: Index) -> Callable[..., AbstractContextManager[Mirror]]:
    """Open the depot; arguments are what to include, and other keys of the repository's table."""

    @contextmanager
    def opened(include: list[str], **table: Any) -> Iterator[Mirror]:
        tools = {"type": "python", "url": index.origin.url("/simple/"), "allow_private": True, "mirror": True}
        tools |= {"retries": 0, "options": {"include": include}, **table}
        plugins = [("python", entrepot_python.plugin)]
        with depot(tmp_path / "depot", {"tools": tools}, plugins=plugins, installed=False) as made:
            yield Mirror(made)

    return opened


def _make_wheel(folder: Path, project: str, version: str, needs: tuple[str, ...] = ()) -> Path:
    """Write a wheel whose one module says its version."""
    path = folder / f"{project}-{version}-py3-none-any.whl"
    info = f"{project}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"]
    metadata += [f"Requires-Dist: {need}\n" for need in needs]
    files = {
        f"{project}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": "".join(metadata),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_urlsafe(text)},{len(text)}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


def _urlsafe(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def make_wheel() -> Callable[..., Path]:
    """Write a wheel into a folder, of a project and version that needs others."""
    return _make_wheel


def _metadata(project: str, version: str, needs: Iterable[str], *, says: str = "2.1", more: str = "") -> bytes:
    """Core metadata of a release."""
    lines = [f"Metadata-Version: {says}", f"Name: {project}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for need in needs for extra in re.findall(r"extra == ['\"](.*?)['\"]", need)]
    return ("\n".join([*lines, *(f"Requires-Dist: {need}" for need in needs)]) + f"\n{more}\n").encode()


def _wheel(project: str, version: str, tag: str, said: bytes) -> bytes:
    """A wheel that pip installs."""
    project = project.replace("-", "_")
    info = f"{project}-{version}.dist-info"
    files = {
        f"{project}.py": f"VERSION = {version!r}\n".encode(),
        f"{info}/METADATA": said,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/RECORD": b"",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name), body)
    return packed.getvalue()


def _sdist(project: str, version: str, said: bytes) -> bytes:
    """A source distribution, with nothing in it but its metadata."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(f"{project}-{version}/PKG-INFO")
        member.size = len(said)
        archive.addfile(member, io.BytesIO(said))
    return packed.getvalue()


class Universe:
    """Adds releases to an index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        index.pages.clear()

    def add(
        self, project: str, version: str, *needs: str, tag: str = "py3-none-any", beside: bool = True, **said: Any
    ) -> str:
        """Add a wheel, with its metadata beside it or in it alone; returns its filename."""
        told = _metadata(project, version, needs)
        filename = f"{project.replace('-', '_')}-{version}-{tag}.whl"
        if beside:
            self.index.origin.put(f"/packages/{filename}.metadata", told)
            said = {"core-metadata": {"sha256": hashlib.sha256(told).hexdigest()}, **said}
        self.serve(project, filename, _wheel(project, version, tag, told), **said)
        return filename

    def add_sdist(self, project: str, version: str, *needs: str, says: str = "2.2", more: str = "") -> str:
        """Add a source distribution whose metadata has no file of its own."""
        filename = f"{project}-{version}.tar.gz"
        self.serve(
            project, filename, _sdist(project, version, _metadata(project, version, needs, says=says, more=more))
        )
        return filename

    def serve(self, project: str, filename: str, body: bytes, **said: Any) -> None:
        """List a file and serve its bytes."""
        self.index.add(project, filename, hashes={"sha256": hashlib.sha256(body).hexdigest()}, size=len(body), **said)
        self.index.origin.put(f"/packages/{filename}", body)


@pytest.fixture
def universe(index: Index) -> Universe:
    """An index with nothing in it, to which projects that need each other are added."""
    return Universe(index)


@pytest.fixture
def open_ours(tmp_path: Path) -> Callable[..., AbstractContextManager[Any]]:
    """Open a depot with a repository that takes uploads; arguments are other keys of its table."""
    secrets = {"upload_token": "let-me-in", "read_token": "let-me-look"}
    for name, secret in secrets.items():
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)

    @contextmanager
    def opened(**table: Any) -> Iterator[Any]:
        ours = {"type": "python", "uploads": True, "upload_token": {"file": str(tmp_path / "upload_token")}, **table}
        ours = {name: value for name, value in ours.items() if value is not None}
        plugins = [("python", entrepot_python.plugin)]
        with depot(tmp_path / "depot", {"ours": ours}, plugins=plugins, installed=False) as made:
            yield made

    return opened
