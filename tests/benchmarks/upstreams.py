"""What the peers mirror too: a simple index of small wheels, and a signed archive of small packages."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from pathlib import Path
from typing import Any

from pysequoia import SignatureMode, Tsk, sign

#: How nginx answers as an index does: JSON for pages of the simple API, and the index's count of changes.
INDEX = """
    location ~ "^/simple/(?<project>[^/]+/)?$" {
        rewrite ^ /simple/${project}index.json last;
    }
    location ~ "^/simple/.*index[.]json$" {
        default_type application/vnd.pypi.simple.v1+json;
        types { }
        add_header X-PyPI-Last-Serial 1;
    }
    location ~ "^/pypi/[^/]+/json$" {
        default_type application/json;
        add_header X-PyPI-Last-Serial 1;
    }
"""

_SECOND = "2026-01-02T03:04:05.000000Z"


def make_index(root: Path, *, projects: int, files: int) -> None:
    """Write an index of projects with so many files each, and the older JSON that bandersnatch asks for."""
    made, listed = random.Random(1), []
    for number in range(1, projects + 1):
        project = f"bench-{number:05}"
        entries = [_wheel(root, made, project, minor) for minor in range(files)]
        _write_project(root, project, entries)
        listed.append({"name": project, "_last-serial": 1})
    _write(root / "simple/index.json", {"meta": {"api-version": "1.1", "_last-serial": 1}, "projects": listed})


def name_base(root: Path, base: str) -> None:
    """Write into the older JSON where files are: it has whole addresses alone."""
    for page in root.glob("pypi/*/json"):
        page.write_text(page.read_text().replace("{base}", base))


def make_archive(root: Path, *, packages: int) -> Path:
    """Write a suite `stable` of so many packages, signed; the keyring that its signature is checked by."""
    made, paragraphs = random.Random(2), []
    for number in range(packages):
        name, body = f"bench{number:06}", made.randbytes(2048)
        path = f"pool/main/b/{name}/{name}_1.0_amd64.deb"
        (root / path).parent.mkdir(parents=True)
        (root / path).write_bytes(body)
        md5, sha256 = hashlib.md5(body, usedforsecurity=False).hexdigest(), hashlib.sha256(body).hexdigest()
        paragraphs.append(
            f"Package: {name}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: Bench <bench@deb.example>\n"
            f"Section: misc\nPriority: optional\nFilename: {path}\nSize: {len(body)}\n"
            f"MD5sum: {md5}\nSHA256: {sha256}\n"
            f"Description: package {number} of a benchmark\n"
        )
    folder = root / "dists/stable/main/binary-amd64"
    folder.mkdir(parents=True)
    (folder / "Packages.gz").write_bytes(gzip.compress("\n".join(paragraphs).encode(), mtime=0))
    return _sign(root, ["main/binary-amd64/Packages.gz"])


def _wheel(root: Path, made: random.Random, project: str, minor: int) -> dict[str, Any]:
    name, body = f"{project.replace('-', '_')}-1.{minor}-py3-none-any.whl", made.randbytes(1024)
    sha256 = hashlib.sha256(body).hexdigest()
    path = f"packages/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{name}"
    (root / path).parent.mkdir(parents=True)
    (root / path).write_bytes(body)
    return {"filename": name, "path": path, "version": f"1.{minor}", "sha256": sha256, "size": len(body)}


def _write_project(root: Path, project: str, entries: list[dict[str, Any]]) -> None:
    files = [
        {
            "filename": entry["filename"],
            "url": f"../../{entry['path']}",
            "hashes": {"sha256": entry["sha256"]},
            "size": entry["size"],
            "upload-time": _SECOND,
        }
        for entry in entries
    ]
    page = {"name": project, "versions": [entry["version"] for entry in entries], "files": files}
    _write(root / f"simple/{project}/index.json", {"meta": {"api-version": "1.1", "_last-serial": 1}, **page})
    releases = {
        entry["version"]: [
            {
                "filename": entry["filename"],
                "url": f"{{base}}/{entry['path']}",
                "digests": {"sha256": entry["sha256"]},
                "size": entry["size"],
                "upload_time_iso_8601": _SECOND,
            }
        ]
        for entry in entries
    }
    _write(root / f"pypi/{project}/json", {"info": {"name": project}, "last_serial": 1, "releases": releases})


def _sign(root: Path, paths: list[str]) -> Path:
    suite = root / "dists/stable"
    lines = ["Suite: stable", "Codename: stable", "Architectures: amd64", "Components: main"]
    lines += ["Date: Fri, 02 Jan 2026 03:04:05 UTC", "SHA256:"]
    for path in paths:
        body = (suite / path).read_bytes()
        lines.append(f" {hashlib.sha256(body).hexdigest()} {len(body)} {path}")
    key = Tsk.generate(user_id="Bench <bench@deb.example>")
    text = "\n".join([*lines, ""]).encode()
    (suite / "InRelease").write_bytes(sign(key.signer(), text, mode=SignatureMode.CLEAR))
    (suite / "Release").write_bytes(text)
    (suite / "Release.gpg").write_bytes(sign(key.signer(), text, mode=SignatureMode.DETACHED))
    keyring = root / "key.gpg"
    keyring.write_bytes(bytes(key.extract_certificate()))
    return keyring


def _write(path: Path, page: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(page))
