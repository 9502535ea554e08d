"""What a publisher may say of a file."""

from __future__ import annotations

import pytest

from entrepot.model.publication import PublishedFile, read_headers, written_headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "1"},
        {"Set-Cookie": "a=b"},
        {"x-lower": "1"},
        {"X-": "1"},
        {"X-Two\r\nSet-Cookie": "1"},
        {"X-Two": "1\r\nSet-Cookie: a=b"},
        {"X-Blank": ""},
        {"X-Wide": "\u2028"},
        {"X-Long": "1" * 201},
    ],
)
def test_a_header_that_could_change_how_a_file_is_sent_is_refused(headers: dict[str, str]) -> None:
    """What came from an upstream may stand in one, so it can neither end its line nor take the server's part."""
    with pytest.raises(ValueError, match="cannot be a header"):
        PublishedFile("a", "text/html", b"", headers)


def test_equal_headers_are_written_alike() -> None:
    """In whatever order they were given; none at all take no room."""
    one = PublishedFile("a", "text/html", b"", {"X-Serial": "7", "X-Name": 'a "b"'}).headers
    other = {"X-Name": 'a "b"', "X-Serial": "7"}

    assert written_headers(one) == written_headers(other)
    assert read_headers(written_headers(one)) == other
    assert written_headers({}) == ""
    assert read_headers("") == {}
