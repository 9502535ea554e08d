"""What entrepot asks of every plugin, asked of this one: first stage and publisher, in JSON and HTML."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from typing import Any, ClassVar
from urllib.parse import quote

import entrepot_python.plugin
from entrepot.testing import Reply
from entrepot.testing.first_stage_contract import FirstStageContract
from entrepot.testing.format_contract import FormatContract, Site
from entrepot.testing.publisher_contract import PublisherContract
from entrepot.testing.strategies import Files

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"


class Index(FormatContract):
    """A simple index with the files of two projects."""

    plugins: ClassVar[Sequence[tuple[str, Any]]] = [("python", entrepot_python.plugin)]
    type = "python"
    table: ClassVar[Mapping[str, Any]] = {"options": {"include": ["demo", "other"]}}
    hostile = ("../demo-1.0.tar.gz", "/demo-1.0.tar.gz", "a/../../demo-1.0.tar.gz")

    def name(self, number: int) -> str:
        return f"{('demo', 'other')[number % 2]}-{number}.0.tar.gz"

    def path(self, name: str) -> str:
        return f"packages/{project_of(name)}/{name}"

    def lay_out(self, site: Site, files: Files) -> str:
        for filename, body in files.items():
            site.origin.put(f"/packages/{quote(filename, safe='')}", body)
        for project in ("demo", "other"):
            listed = {name: body for name, body in files.items() if project_of(name) == project}
            self.serve(site, f"/simple/{project}/", self.page(project, listed))
        self.serve(site, "/simple/", self.root())
        return site.origin.url("/simple/")

    def serve(self, site: Site, path: str, page: tuple[str, bytes]) -> None:
        media_type, body = page
        tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        site.origin.on(path, Reply(body=body, headers={"Content-Type": media_type, "ETag": tag}, honest=True))

    def page(self, project: str, files: Files) -> tuple[str, bytes]:
        entries = [
            {
                "filename": name,
                "url": f"../../packages/{quote(name, safe='')}",
                "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
                "size": len(body),
            }
            for name, body in files.items()
        ]
        page = {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": entries}
        return JSON, json.dumps(page).encode()

    def root(self) -> tuple[str, bytes]:
        projects = [{"name": name} for name in ("demo", "other")]
        return JSON, json.dumps({"meta": {"api-version": "1.1"}, "projects": projects}).encode()


class HtmlIndex(Index):
    """The same in HTML."""

    def page(self, project: str, files: Files) -> tuple[str, bytes]:
        links = [
            f'<a href="../../packages/{quote(name, safe="")}#sha256={hashlib.sha256(body).hexdigest()}">{name}</a>'
            for name, body in files.items()
        ]
        return HTML, f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()

    def root(self) -> tuple[str, bytes]:
        return HTML, b'<!DOCTYPE html><html><body><a href="demo/">demo</a><a href="other/">other</a></body></html>'


class WholeIndex(Index):
    """All that the index has, as it is mirrored when nothing is named."""

    table: ClassVar[Mapping[str, Any]] = {"options": {"include": ["*"]}}


class FollowedIndex(Index):
    """The same, mirrored with what it needs; of eggs nobody reads what they need."""

    table: ClassVar[Mapping[str, Any]] = {
        "options": {
            "include": ["demo", "other"],
            "dependencies": True,
            "python_versions": ["3.11"],
            "platforms": ["manylinux_2_28_x86_64"],
        }
    }

    def name(self, number: int) -> str:
        return super().name(number).replace(".tar.gz", ".egg")


def project_of(filename: str) -> str:
    """The project whose page lists a file."""
    return "other" if filename.startswith("other") else "demo"


class TestMirrorProjects(Index, FirstStageContract):
    """The first stage, on an index in JSON."""


class TestMirrorProjectsInHtml(HtmlIndex, FirstStageContract):
    """The first stage, on an index in HTML."""


class TestMirrorWholeIndex(WholeIndex, FirstStageContract):
    """The first stage, on all projects: one may leave between the list of all and its own page."""

    def may_be_gone(self, path: str) -> bool:
        return path != "/simple/"


class TestMirrorClosure(FollowedIndex, FirstStageContract):
    """The first stage that follows dependencies."""


class SimplePages(PublisherContract):
    """The pages of the simple API."""

    def links(self, path: str, body: bytes) -> Iterable[str]:
        if not body.startswith(b"{"):
            return [unescape(link) for link in re.findall(r'<a href="([^"#]*)', body.decode())]
        page = json.loads(body)
        return [file["url"] for file in page.get("files", [])] + [
            f"{each['name']}/" for each in page.get("projects", [])
        ]

    def mirror_of(self, address: str) -> str | None:
        return f"{address}/simple/"


class TestSimplePages(Index, SimplePages):
    """From an index in JSON."""


class TestSimplePagesOfHtml(HtmlIndex, SimplePages):
    """From an index in HTML."""
