"""What entrepot asks of every plugin, asked of this one."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from pysequoia import SignatureMode, Tsk, sign

import entrepot_deb.plugin
from entrepot.testing import Reply
from entrepot.testing.first_stage_contract import FirstStageContract
from entrepot.testing.format_contract import Site
from entrepot.testing.strategies import Files

KEY = Tsk.generate(user_id="archive")


@functools.cache
def signed(text: bytes) -> bytes:
    """An InRelease file, the same for the same text."""
    return sign(KEY.signer(), text, mode=SignatureMode.CLEAR)


def paragraph(path: str, body: bytes) -> str:
    """What a list says of a package."""
    name = path.rpartition("/")[2].removesuffix(".deb")
    return (
        f"Package: {name}\nVersion: 1\nArchitecture: amd64\nFilename: {path}\n"
        f"Size: {len(body)}\nSHA256: {hashlib.sha256(body).hexdigest()}\n"
    )


def upstream_lists(files: Files) -> dict[str, bytes]:
    """What the archive says of its files: the list, and what vouches for it."""
    packages = "\n".join(paragraph(path, body) for path, body in files.items()).encode()
    digest = hashlib.sha256(packages).hexdigest()
    release = (
        "Suite: stable\nDate: Fri, 02 Jan 2026 12:00:00 GMT\nArchitectures: amd64\nComponents: main\n"
        f"SHA256:\n {digest} {len(packages)} main/binary-amd64/Packages\n"
    )
    return {
        "dists/stable/InRelease": signed(release.encode()),
        "dists/stable/main/binary-amd64/Packages": packages,
    }


class TestMirrorSuites(FirstStageContract):
    """The first stage, on an archive of one suite that nobody vouches for."""

    plugins: ClassVar[Sequence[tuple[str, Any]]] = [("deb", entrepot_deb.plugin)]
    type = "deb"
    table: ClassVar[Mapping[str, Any]] = {"options": {"suites": ["stable"], "unsigned": "allow"}}
    hostile = ("../outside.deb", "/outside.deb", "pool/../../outside.deb")

    # Release and its signature beside an InRelease may be missing, or of another moment, without harm. What may not
    # be broken, and how the sync then ends, is in test_untrue_archives.py.
    test_a_broken_index_fails_and_changes_nothing = None  # type: ignore[assignment]  # a test, taken out

    def name(self, number: int) -> str:
        return f"pool/p{number % 3}/package-{number}.deb"

    def lay_out(self, site: Site, files: Files) -> str:
        for path, body in {**files, **upstream_lists(files)}.items():
            site.origin.put(f"/debian/{quote(path)}", body)
        for name in ("Release", "Release.gpg"):
            site.origin.on(f"/debian/dists/stable/{name}", Reply(status=404))
        return site.origin.url("/debian/")

    def listings(self, files: Files) -> dict[str, bytes]:
        return upstream_lists(files)


class TestMirrorSelection(TestMirrorSuites):
    """The first stage of what is published anew: of the archive's own lists nothing is kept."""

    @pytest.fixture(autouse=True)
    def own_key(self, tmp_path: Path) -> None:
        """A key that signs; the table says where it is."""
        file = tmp_path / "own.asc"
        file.write_text(str(KEY))
        options = {**TestMirrorSuites.table["options"], "publish": "signed", "signing_key": str(file)}
        type(self).table = {"options": options}

    def listings(self, files: Files) -> dict[str, bytes]:
        del files
        return {}
