"""Pages in JSON."""

from __future__ import annotations

import json

import pytest

from entrepot.plugin import InvalidMetadata
from entrepot_python.project_page import ListedFile, UnusableFile
from entrepot_python.read_json import read_json

SHA256 = "ab" * 32


def page(*files: object, **more: object) -> bytes:
    """A page of project `demo` with these files."""
    return json.dumps({"meta": {"api-version": "1.4"}, "name": "demo", "files": files, **more}).encode()


def file(**more: object) -> dict[str, object]:
    """The entry of a wheel with what every entry must have."""
    return {"filename": "demo-1.0-py3-none-any.whl", "url": "demo-1.0.whl", "hashes": {"sha256": SHA256}, **more}


@pytest.mark.parametrize(("said", "serial"), [(7, 7), (None, None), ("7", None), (True, None)])
def test_the_count_of_changes_is_read_where_the_page_tells_it(said: object, serial: int | None) -> None:
    """No PEP says what it is, so what is no number is nothing."""
    page = read_json(json.dumps({"meta": {"_last-serial": said}, "files": []}).encode())

    assert page.serial == serial


def test_everything_that_a_page_says_of_a_file_is_read() -> None:
    """Nothing that a client may ask for is lost or rewritten."""
    said = file(
        **{
            "requires-python": ">=3.8, <4",
            "yanked": "broken on Tuesdays",
            "size": 1234,
            "upload-time": "2024-01-02T03:04:05.678901Z",
            "core-metadata": {"sha256": SHA256},
        }
    )

    (entry,) = read_json(page(said)).entries

    assert entry == ListedFile(
        filename="demo-1.0-py3-none-any.whl",
        url="demo-1.0.whl",
        hashes={"sha256": SHA256},
        requires_python=">=3.8, <4",
        yanked="broken on Tuesdays",
        size=1234,
        upload_time="2024-01-02T03:04:05.678901Z",
        core_metadata={"sha256": SHA256},
    )


def test_everything_that_a_page_says_of_the_project_is_read() -> None:
    """Status, versions and what it tracks belong to the project, not to a file."""
    body = json.loads(page(versions=["1.0", "2.0"]))
    body["project-status"] = {"status": "quarantined", "reason": "malware"}
    body["alternate-locations"] = ["https://other.example/simple/demo/"]
    body["meta"]["tracks"] = ["https://first.example/simple/demo/"]

    read = read_json(json.dumps(body).encode())

    assert (read.name, read.versions) == ("demo", ("1.0", "2.0"))
    assert (read.status, read.status_reason) == ("quarantined", "malware")
    assert read.tracks == ("https://first.example/simple/demo/",)
    assert read.alternate_locations == ("https://other.example/simple/demo/",)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"core-metadata": True}, True),
        ({"core-metadata": False}, None),
        ({}, None),
        ({"dist-info-metadata": {"sha256": SHA256}}, {"sha256": SHA256}),
        ({"data-dist-info-metadata": True}, True),
        ({"core-metadata": False, "dist-info-metadata": True}, None),
    ],
)
def test_core_metadata_is_known_under_all_its_names(said: dict[str, object], expected: object) -> None:
    """PEP 714 renamed the key; the new name wins where both are there."""
    (entry,) = read_json(page(file(**said))).entries

    assert isinstance(entry, ListedFile)
    assert entry.core_metadata == expected


@pytest.mark.parametrize(
    ("said", "expected"), [(True, True), (False, False), ("", False), (None, False), ("why", "why")]
)
def test_yanked_is_a_yes_a_no_or_a_reason(said: object, expected: object) -> None:
    """An empty reason is no yank, as PEP 691 asks for a text that is not empty."""
    (entry,) = read_json(page(file(yanked=said))).entries

    assert isinstance(entry, ListedFile)
    assert entry.yanked == expected
    assert type(entry.yanked) is type(expected)


@pytest.mark.fault("B07")
@pytest.mark.parametrize(
    "broken",
    [
        {"filename": "bad-1.whl", "hashes": {}},
        {"filename": "bad-1.whl", "url": 7, "hashes": {}},
        {"filename": "bad-1.whl", "url": "x", "hashes": {}, "size": "5"},
        {"filename": "bad-1.whl", "url": "x", "hashes": {}, "size": True},
        {"filename": "bad-1.whl", "url": "x", "hashes": {"sha256": 5}},
    ],
)
def test_one_broken_file_does_not_spoil_its_page(broken: dict[str, object]) -> None:
    """The others are read, and the broken one is named."""
    good, bad = read_json(page(file(), broken)).entries

    assert isinstance(good, ListedFile)
    assert isinstance(bad, UnusableFile)
    assert bad.filename == "bad-1.whl"


@pytest.mark.fault("B18")
@pytest.mark.promise("P33")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"files": 5}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"name": "\\ud800", "files": []}',
        page(meta={"api-version": "2.0"}),
    ],
)
def test_what_is_no_page_is_invalid_metadata(body: bytes) -> None:
    """Whatever an index answers, the error is one that tells a person what to do."""
    with pytest.raises(InvalidMetadata) as caught:
        read_json(body)

    assert caught.value.remedy


@pytest.mark.fault("B08")
def test_a_digest_that_is_told_twice_names_no_bytes() -> None:
    """Readers of JSON take the first or the last; a file of which they would disagree is refused."""
    twice = page(file()).replace(b'{"sha256": "ab', b'{"sha256": "' + b"cd" * 32 + b'", "sha256": "ab')

    (entry,) = read_json(twice).entries

    assert isinstance(entry, UnusableFile)
    assert "twice" in entry.error.what


@pytest.mark.fault("B08")
@pytest.mark.promise("P33")
@pytest.mark.parametrize("nested", [b"[" * 100_000, b'{"a":' * 100_000])
def test_a_page_that_nests_without_end_is_invalid_metadata(nested: bytes) -> None:
    """No depth of brackets ends the process."""
    with pytest.raises(InvalidMetadata):
        read_json(b'{"files": ' + nested)
