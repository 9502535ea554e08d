"""Lists with bad lines among good ones: who pays for them, and where they are told."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from entrepot.plugin import Failed
from entrepot.testing import Reply, retry_failed, sync

MANY = 10_000
SHA256 = hashlib.sha256(b"x").hexdigest()


def manifest(bad: int, many: int = MANY) -> Reply:
    """A manifest of many lines, the last of which have no digest."""
    lines = [f"file-{number:05},{SHA256 if number < many - bad else 'unknown'},1" for number in range(many)]
    return Reply(body="\n".join(lines).encode())


@pytest.mark.fault("B19")
@pytest.mark.promise("P06")
async def test_one_bad_line_of_ten_thousand_makes_no_version_unless_it_may_be_skipped(
    open_depot: Any, upstream: Any
) -> None:
    """By default the sync fails and says which line; told to skip, it has all the others."""
    upstream.origin.on("/PULP_MANIFEST", manifest(1))
    url = upstream.origin.url("/PULP_MANIFEST")
    with open_depot(url, policy="on_demand") as opened:
        with pytest.raises(Failed, match="'unknown' is not a sha256 digest") as caught:
            await sync(opened, "isos")
        assert "line 10000" in caught.value.where
        assert opened.catalog.reader.versions("isos") == []

    with open_depot(url, policy="on_demand", on_error="skip") as opened:
        outcome = await sync(opened, "isos")

        assert (outcome.added, outcome.failed, outcome.exit_code) == (MANY - 1, 1, 1)
        (told,) = opened.catalog.reader.version("isos").report["failures"]
        assert (told["stage"], told["plugin"]) == ("ReadList", "file")


@pytest.mark.fault("B19")
async def test_every_bad_line_is_on_record_and_a_report_lists_the_first_hundred(open_depot: Any, upstream: Any) -> None:
    """A list that is bad all over does not make a report of any size."""
    upstream.origin.on("/PULP_MANIFEST", manifest(150, 300))
    with open_depot(upstream.origin.url("/PULP_MANIFEST"), policy="on_demand", on_error="skip") as opened:
        outcome = await sync(opened, "isos")

        report = opened.catalog.reader.version("isos").report
        assert (outcome.failed, report["failed"], len(report["failures"])) == (150, 150, 100)
        run = opened.catalog.reader.last_run("isos")
        assert len(opened.catalog.reader.failures("isos", run.id)) == 150


async def test_a_list_that_was_mended_is_read_again_and_asks_only_for_what_lacks(
    open_depot: Any, upstream: Any
) -> None:
    """Its other files are held: none of them is asked for."""
    good = upstream.manifest()
    upstream.write("PULP_MANIFEST", [*good[:-1], "folder/empty,unknown,0"])
    with open_depot(upstream.origin.url("/PULP_MANIFEST"), on_error="skip") as opened:
        assert (await sync(opened, "isos")).failed == 1
        upstream.write("PULP_MANIFEST", good)
        before = [upstream.asked(path) for path in ("a.iso", "folder/b.iso")]

        again = await retry_failed(opened, "isos")

        assert again is not None
        assert (again.added, again.failed) == (1, 0)
        assert [upstream.asked(path) for path in ("a.iso", "folder/b.iso")] == before
