"""What is chosen is published anew and signed: true lists, of what was asked for and what that needs."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from pysequoia import Cert, Tsk, verify

from entrepot.plugin import ConfigurationError, IntegrityError
from entrepot.testing import check_depot, sync

Open = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def key(tmp_path: Path) -> Tsk:
    """A key of one's own, written where `signing_key` says."""
    made = Tsk.generate(user_id="ours")
    (tmp_path / "own.asc").write_text(str(made))
    return made


def signed(folder: Path, **more: Any) -> dict[str, Any]:
    """Options of a repository that signs."""
    return {"publish": "signed", "signing_key": str(folder / "own.asc"), **more}


def names(depot: Any, kind: str = "deb.package") -> set[str]:
    """What the latest version has of a type: name and version."""
    rows = depot.catalog.reader.members("tools", depot.catalog.reader.version("tools").number)
    keys = [row.key.strip('[]"').split('","') for row in rows if row.key.startswith(f'["{kind}"')]
    return {f"{key[-3]}={key[-2]}" if kind == "deb.package" else f"{key[-2]}={key[-1]}" for key in keys}


def body(depot: Any, path: str) -> bytes:
    """A published file of the latest version."""
    reader = depot.catalog.reader
    (found,) = reader.locate("tools", reader.version("tools").number, path)
    if found.body is not None:
        return bytes(found.body)
    with depot.storage.open(found.artifact.sha256) as file:
        return bytes(file.read())


def release(depot: Any, key: Tsk) -> str:
    """The signed text, once each of its forms is found true."""
    certificate = Cert.from_bytes(bytes(key.extract_certificate()))
    text = bytes(verify(bytes=body(depot, "dists/stable/InRelease"), store=lambda _: [certificate]).bytes)
    assert text.strip() == body(depot, "dists/stable/Release").strip()
    for line in text.decode().partition("SHA256:\n")[2].splitlines():
        digest, _, path = line.split()
        folder, _, name = path.rpartition("/")
        if "." in name:
            packed = body(depot, f"dists/stable/{path}")
            assert packed == body(depot, f"dists/stable/{folder}/by-hash/SHA256/{digest}")
    return text.decode()


async def test_lists_are_written_of_what_is_chosen(
    archive: Any, open_depot: Open, tmp_path: Path, key: Tsk, record_property: Any
) -> None:
    """In every form the same, by name and by digest, with what the archive says of the suite and of a package."""
    archive.add_source("hello", "1.0")
    archive.add_source("world", "2:2.0-1")
    archive.publish()

    with open_depot(signed(tmp_path, packages=["hello"], sources=True)) as depot:
        await sync(depot, "tools")

        assert names(depot) == {"hello=1.0"}
        assert names(depot, "deb.source") == {"hello=1.0"}
        text = release(depot, key)
        assert text.startswith(
            "Origin: Archive\nSuite: stable\nCodename: stable\nDate: Fri, 02 Jan 2026 12:00:00 GMT\n"
        )
        assert "Acquire-By-Hash: yes\nArchitectures: amd64 arm64\nComponents: extra main\n" in text
        packages = lzma.decompress(body(depot, "dists/stable/main/binary-amd64/Packages.xz"))
        assert packages == gzip.decompress(body(depot, "dists/stable/main/binary-amd64/Packages.gz"))
        assert packages.decode() == next(iter(archive.lists["main", "amd64"].values()))
        assert gzip.decompress(body(depot, "dists/stable/extra/binary-amd64/Packages.gz")) == b""
        assert body(depot, "archive-key.asc").startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
        assert not check_depot(depot)


async def test_a_release_says_where_earlier_ones_are(archive: Any, open_depot: Open, tmp_path: Path, key: Tsk) -> None:
    """Where one's own are, never the archive's: those have another key. Saying so makes a version."""
    archive.said = "Snapshots: http://archive.example/@SNAPSHOTID@/\n"
    archive.publish()
    where = "https://mirror.example/tools@@SNAPSHOTID@/"

    for more, expected in (({}, []), ({"snapshots": where}, [f"Snapshots: {where}"])):
        with open_depot(signed(tmp_path, **more)) as depot:
            assert (await sync(depot, "tools")).version is not None

            assert [line for line in release(depot, key).splitlines() if line.startswith("Snapshots")] == expected


async def test_the_same_content_is_the_same_lists(archive: Any, open_depot: Open, tmp_path: Path, key: Tsk) -> None:
    """A sync without news makes no version; one with news writes what changed, and nothing of before is left."""
    archive.publish()

    with open_depot(signed(tmp_path)) as depot:
        await sync(depot, "tools")
        archive.origin.requests.clear()
        assert (await sync(depot, "tools")).version is None
        asked = {request.path for request in archive.origin.requests}
        first = {file.relative_path for file in depot.catalog.reader.published("tools", 1)}
        archive.add("new", "1", component="extra")
        archive.moment = archive.moment.replace(hour=13)
        archive.publish()
        await sync(depot, "tools")
        second = {file.relative_path for file in depot.catalog.reader.published("tools", 2)}

        assert asked == {f"/debian/dists/stable/{name}" for name in ("InRelease", "Release", "Release.gpg")}
        assert "new=1" in names(depot)
        release(depot, key)
        changed = {path for path in first - second if "/by-hash/" in path}
        assert len(changed) == len(first - second) == 2
        assert len(first) == len(second)


RULES = [
    ({"packages": ["hel*"]}, {"hello=1.0"}, {}),
    (
        {"exclude": ["w*", "old"]},
        {"hello=1.0", "tool=1", "tool=1~rc1", "more=1"},
        {"world": "exclude", "old": "exclude"},
    ),
    ({"sections": ["net"]}, {"tool=1", "tool=1~rc1"}, {"hello": "sections", "world": "sections", "old": "sections"}),
    ({"priorities": ["required"]}, {"tool=1"}, {"tool": "priorities", "hello": "priorities"}),
    ({"packages": ["tool"], "newest": 1}, {"tool=1"}, {"tool": "newest"}),
]


@pytest.mark.parametrize(
    ("rules", "expected", "refused"), RULES, ids=["packages", "exclude", "sections", "priorities", "newest"]
)
async def test_each_filter_chooses_and_says_what_it_left_out(
    archive: Any,
    open_depot: Open,
    tmp_path: Path,
    key: Tsk,
    rules: dict[str, Any],
    expected: set[str],
    refused: dict[str, str],
) -> None:
    """What nobody asked for is not even refused; nothing that is left out is downloaded."""
    del key
    archive.add("tool", "1", said="Section: contrib/net\nPriority: required\n")
    archive.add("tool", "1~rc1", said="Section: net\nPriority: optional\n")
    archive.add("old", "1", component="extra")
    archive.publish()

    with open_depot(signed(tmp_path, **rules)) as depot:
        await sync(depot, "tools")
        reader = depot.catalog.reader
        rows = reader.refusals("tools", reader.last_run("tools").id)

        assert names(depot) == expected
        assert {row.key.split('"')[9]: row.rule for row in rows}.items() >= refused.items()
        assert bool(list(rows)) is bool(refused)
        assert all(row.reason and row.remedy for row in rows)
        asked = [request.path for request in archive.origin.requests if request.path.endswith(".deb")]
        assert len(asked) == len(set(asked)) == len(expected) + ("hello=1.0" in expected)


async def test_what_is_needed_comes_too(archive: Any, open_depot: Open, tmp_path: Path, key: Tsk) -> None:
    """The first alternative that anything meets, versions that fit, whoever provides it; for each architecture."""
    del key
    archive.lists.clear()
    archive.add(
        "app", "1", said="Pre-Depends: base (>= 2~)\nDepends: gone | second, mta, lib:any (<< 3)\nRecommends: nice\n"
    )
    for name, version, said in [
        ("base", "2", ""),
        ("base", "1", ""),
        ("second", "1", "Depends: app\n"),
        ("third", "1", ""),
        ("postbox", "1", "Provides: mta\n"),
        ("carrier", "1", "Provides: mta (= 5)\n"),
        ("lib", "2", "Depends: missing (= 1) | nowhere\n"),
        ("lib", "3", ""),
        ("nice", "1", "Depends: third\n"),
        ("stranger", "1", ""),
    ]:
        archive.add(name, version, said=said)
    archive.add("data", "1", architecture="arm64")
    archive.publish()
    expected = {"app=1", "base=2", "second=1", "postbox=1", "carrier=1", "lib=2"}

    with open_depot(signed(tmp_path, packages=["app"], dependencies=True)) as depot:
        await sync(depot, "tools")
        said = depot.catalog.reader.last_run("tools").report["remarks"]

        assert names(depot) == expected
        told = {(each["key"].split('"')[9], each["rule"]): each["reason"] for each in said}
        assert told["second", "dependency"] == "it came by dependency: app 1 needs gone | second"
        assert told["lib", "unmet-dependency"] == "nothing that is mirrored meets missing (= 1) | nowhere"
        assert ("app", "dependency") not in told

    with open_depot(signed(tmp_path, packages=["app"], dependencies=True, recommends=True)) as depot:
        await sync(depot, "tools")

        assert names(depot) == expected | {"nice=1", "third=1"}


async def test_filters_that_change_hold_for_what_is_there(
    archive: Any, open_depot: Open, tmp_path: Path, key: Tsk
) -> None:
    """The next version has what the new options choose, though upstream has not changed."""
    archive.publish()

    with open_depot(signed(tmp_path)) as depot:
        await sync(depot, "tools")
        assert "world=2:2.0-1" in names(depot)
    with open_depot(signed(tmp_path, packages=["hello"])) as depot:
        await sync(depot, "tools")

        assert names(depot) == {"hello=1.0"}
        release(depot, key)


@pytest.mark.fault("B17")
async def test_what_the_archive_has_not_signed_is_not_signed_by_us(
    archive: Any, open_depot: Open, tmp_path: Path, key: Tsk
) -> None:
    """Our signature would vouch for it."""
    archive.publish()
    keyring = tmp_path / "stranger.gpg"
    keyring.write_bytes(bytes(Tsk.generate(user_id="stranger").extract_certificate()))

    with open_depot(signed(tmp_path, keyring=str(keyring))) as depot:
        with pytest.raises(IntegrityError, match="no key of the keyring"):
            await sync(depot, "tools")

        assert not [request for request in archive.origin.requests if "Packages" in request.path]
    del key


async def test_a_key_that_cannot_sign_ends_the_sync(archive: Any, open_depot: Open, tmp_path: Path, key: Tsk) -> None:
    """Missing, public, or no key at all; and nothing of a key is told."""
    archive.publish()
    (tmp_path / "public.asc").write_text(str(key.extract_certificate()))
    (tmp_path / "broken.asc").write_text(str(key)[:200])

    for name, why in [("none.asc", "cannot be read"), ("public.asc", "holds no secret key"), ("broken.asc", "no key")]:
        with open_depot({"publish": "signed", "signing_key": str(tmp_path / name)}) as depot:
            with pytest.raises(ConfigurationError, match=why) as caught:
                await sync(depot, "tools")

            assert str(key)[60:120] not in repr(caught.value)
            assert not check_depot(depot)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"packages": ["a"]}, "packages would make untrue what the archive has signed"),
        ({"newest": 1, "exclude": ["a"]}, "exclude and newest would make untrue"),
        ({"signing_key": "/k"}, 'publish = "verbatim" signs nothing'),
        ({"publish": "signed"}, "needs a signing_key"),
        ({"snapshots": "http://a.example/@SNAPSHOTID@/"}, 'publish = "verbatim" writes none'),
        ({"publish": "signed", "signing_key": "/k", "snapshots": "http://a.example/"}, "no URL in which @SNAPSHOTID@"),
        (
            {"publish": "signed", "signing_key": "/k", "snapshots": "http://a/@SNAPSHOTID@/\nOrigin: else"},
            "no URL in which @SNAPSHOTID@",
        ),
        ({"publish": "signed", "signing_key": "k"}, "depends on where a sync is started"),
        ({"publish": "signed", "signing_key": "/k", "newest": 0}, "newest is less than 1"),
        ({"publish": "signed", "signing_key": "/k", "recommends": True}, "recommends says what dependencies follows"),
    ],
)
async def test_what_contradicts_itself_is_refused(
    archive: Any, open_depot: Open, options: dict[str, Any], why: str
) -> None:
    """With the option by its name, before anything is asked for."""
    archive.publish()

    with open_depot(options) as depot, pytest.raises(ConfigurationError, match=why):
        await sync(depot, "tools")
    assert not archive.origin.requests
