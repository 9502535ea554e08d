"""Pages that are kept for who asks next."""

from __future__ import annotations

from entrepot.catalog.rows import Located
from entrepot.serve.kept_pages import KeptPages, Place


def page(body: bytes | None) -> list[Located]:
    """A published file, inline unless there is no body."""
    return [Located("a", "text/html", body, None, None, None, None, ())]


def at(number: int) -> Place:
    """A place in a version."""
    return "tools", number, "a"


def test_what_was_asked_for_last_stays_longest() -> None:
    """When there is no room for all; asking counts."""
    pages = KeptPages(room=30)
    for number in (1, 2, 3):
        pages.keep(at(number), page(b"x" * 10))

    assert pages.get(at(1))
    pages.keep(at(4), page(b"x" * 10))

    assert [bool(pages.get(at(number))) for number in (1, 2, 3, 4)] == [True, False, True, True]


def test_room_is_counted_by_bytes_and_given_back() -> None:
    """A place kept twice takes its room once; what is too large for all the room is not kept."""
    pages = KeptPages(room=30)
    for _ in range(100):
        pages.keep(at(1), page(b"x" * 10))
    pages.keep(at(2), page(b"x" * 20))
    pages.keep(at(3), page(b"x" * 31))

    assert [bool(pages.get(at(number))) for number in (1, 2, 3)] == [True, True, False]
    pages.keep(at(3), page(b"x" * 30))
    assert [bool(pages.get(at(number))) for number in (1, 2, 3)] == [False, False, True]


def test_what_may_change_is_not_kept() -> None:
    """Stored artifacts may be fetched, damaged or mended; and nothing at a place may be something later."""
    pages = KeptPages()
    pages.keep(at(1), page(None))
    pages.keep(at(2), [])

    assert [pages.get(at(number)) for number in (1, 2)] == [(), ()]


def test_so_many_empty_places_are_known_and_those_asked_for_longest_ago_go() -> None:
    """Names that somebody makes up cost no more room than that, and push out no page."""
    kept = KeptPages()
    kept.keep(("tools", 1, "a"), page(b"here"))
    for number in range(10_000):
        kept.note_empty(("tools", 1, f"{number}"))

    assert kept.is_empty(("tools", 1, "0"))
    kept.note_empty(("tools", 1, "one more"))

    assert [kept.is_empty(("tools", 1, name)) for name in ("0", "1", "2", "one more")] == [True, False, True, True]
    assert not kept.is_empty(("tools", 2, "0"))
    assert kept.get(("tools", 1, "a"))
