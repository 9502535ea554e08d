"""Pages in HTML."""

from __future__ import annotations

import io

import pytest

from entrepot.plugin import InvalidMetadata
from entrepot_python.project_page import ListedFile
from entrepot_python.read_html import read_html
from entrepot_python.read_root import read_root

SHA256 = "ab" * 32


def only(link: str) -> ListedFile:
    """The one file of a page with one link."""
    (entry,) = read_html(f"<!DOCTYPE html><html><body>{link}</body></html>".encode()).entries
    assert isinstance(entry, ListedFile)
    return entry


def test_everything_that_a_link_says_is_read() -> None:
    """Attributes are unescaped once, as a browser does."""
    entry = only(
        f'<a href="../../files/demo-1.0%2Bcpu.tar.gz?x=1#sha256={SHA256}" data-gpg-sig="true"'
        ' data-requires-python="&gt;=3.8,&lt;4" data-yanked="a &quot;reason&quot;"'
        f' data-core-metadata="sha256={SHA256}">demo-1.0+cpu.tar.gz</a>'
    )

    assert entry == ListedFile(
        filename="demo-1.0+cpu.tar.gz",
        url="../../files/demo-1.0%2Bcpu.tar.gz?x=1",
        hashes={"sha256": SHA256},
        requires_python=">=3.8,<4",
        yanked='a "reason"',
        core_metadata={"sha256": SHA256},
        gpg_sig=True,
    )


@pytest.mark.parametrize(
    ("attribute", "expected"), [("", False), ("data-yanked", True), ('data-yanked=""', True), ('data-yanked="x"', "x")]
)
def test_a_yank_needs_no_reason(attribute: str, expected: object) -> None:
    """The attribute alone says it, with or without a value."""
    assert only(f'<a href="demo-1.0.zip" {attribute}>demo</a>').yanked is expected or expected == "x"


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("", None),
        ('data-core-metadata="true"', True),
        ('data-dist-info-metadata="true"', True),
        (f'data-dist-info-metadata="sha256={SHA256}"', {"sha256": SHA256}),
        ('data-core-metadata="false" data-dist-info-metadata="true"', None),
    ],
)
def test_core_metadata_is_known_under_both_names(attribute: str, expected: object) -> None:
    """PEP 714 renamed the attribute; the new name wins where both are there."""
    assert only(f'<a href="demo-1.0.whl" {attribute}>demo</a>').core_metadata == expected


@pytest.mark.fault("B13")
def test_a_malformed_digest_is_not_passed_over() -> None:
    """A file that claims a digest is never taken for one without."""
    assert only('<a href="demo-1.0.whl#sha256=nonsense">x</a>').hashes == {"sha256": "nonsense"}


def test_links_to_other_things_are_passed_over() -> None:
    """Index pages link to their parents, home pages and styles."""
    page = read_html(b'<a href="../">up</a><a>no</a><a href="https://[">x</a><a href="demo-1.0.tar.gz">demo</a>')

    assert [entry.filename for entry in page.entries] == ["demo-1.0.tar.gz"]


def test_facts_about_the_project_stand_in_the_head() -> None:
    """PEP 708 and PEP 792 use `meta` elements; `base` says where relative links start."""
    page = read_html(
        b'<head><base href="/other/"><meta name="pypi:repository-version" content="1.4">'
        b'<meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" content="old">'
        b'<meta name="pypi:tracks" content="https://a.example/"><meta name="pypi:tracks" content="https://b.example/">'
        b'<meta name="pypi:alternate-locations" content="https://c.example/"></head>'
    )

    assert (page.status, page.status_reason, page.base) == ("archived", "old", "/other/")
    assert page.tracks == ("https://a.example/", "https://b.example/")
    assert page.alternate_locations == ("https://c.example/",)


@pytest.mark.parametrize("body", [b"\xff", b'<meta name="pypi:repository-version" content="2.0">'])
def test_what_is_no_page_is_invalid_metadata(body: bytes) -> None:
    """Another encoding or another major version is refused, not guessed at."""
    with pytest.raises(InvalidMetadata) as caught:
        read_html(body)

    assert caught.value.remedy


@pytest.mark.parametrize("unit", ["<a ", "<!", "</", "<a x='", "<!--", "&#", "<![x[y]]>", "<![ 1]>"])
def test_a_page_without_an_end_is_refused_soon(unit: str) -> None:
    """Tags that are never closed are not gone through again for each of them: that would take hours."""
    text = f"<a href='{unit * 500_000}" if unit == "&#" else unit * 500_000
    with pytest.raises(InvalidMetadata, match="the page cannot be read"):
        read_html(text.encode())
    with pytest.raises(InvalidMetadata, match="cannot be read"):
        list(read_root(io.StringIO(text), is_json=False))


def test_a_page_that_breaks_off_in_a_tag_is_refused() -> None:
    """What came before is not all that there is."""
    with pytest.raises(InvalidMetadata, match="in the middle of a tag"):
        read_html(b'<a href="demo-1.0.tar.gz">demo</a><a href="demo-2.0')
