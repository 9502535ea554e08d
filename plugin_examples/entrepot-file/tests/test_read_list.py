"""Mirroring what a list names, from a server on loopback into a real depot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.plugin import EntrepotError, Failed, InvalidMetadata

LISTS = ["PULP_MANIFEST", "SHA256SUMS"]
OTHER = hashlib.sha256(b"other bytes").hexdigest()


@pytest.mark.parametrize("name", LISTS)
async def test_every_file_of_a_list_is_mirrored(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any, name: str
) -> None:
    """Paths, bytes and sizes are as upstream has them; both kinds of list are published."""
    with open_depot(upstream.origin.url(f"/{name}")) as opened:
        await sync(opened)

        assert listed(opened) == upstream.files
        bodies = {own: opened.catalog.reader.locate("isos", 1, own)[0].body.decode() for own in LISTS}
    assert bodies["PULP_MANIFEST"].splitlines() == sorted(upstream.manifest())
    assert bodies["SHA256SUMS"].splitlines() == [line.replace("./", "") for line in upstream.sums()]


@pytest.mark.parametrize("name", LISTS)
async def test_on_demand_no_file_is_asked_for(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any, name: str
) -> None:
    """What is not downloaded has no size unless the list tells it, and no manifest is made up."""
    with open_depot(upstream.origin.url(f"/{name}"), policy="on_demand") as opened:
        await sync(opened)

        assert listed(opened) == dict.fromkeys(upstream.files)
        published = [own for own in LISTS if opened.catalog.reader.locate("isos", 1, own)]
    assert upstream.asked("a.iso") == 0
    assert published == (LISTS if name == "PULP_MANIFEST" else ["SHA256SUMS"])


@pytest.mark.fault("B02")
async def test_names_are_quoted_and_queries_left_behind(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """A name is a name: a percent sign in it stands for itself, and a list's token is the list's."""
    body = b"odd"
    upstream.origin.on("/PULP_MANIFEST*", upstream.reply(f"a %41#?.iso,{hashlib.sha256(body).hexdigest()},3\n"))
    upstream.origin.put("/a%20%2541%23%3F.iso", body)

    with open_depot(upstream.origin.url("/PULP_MANIFEST?token=x")) as opened:
        await sync(opened)

        assert listed(opened) == {"a %41#?.iso": body}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("tag", [True, False], ids=["with an ETag", "without"])
async def test_a_list_that_did_not_change_is_not_read_again(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, name: str, tag: bool
) -> None:
    """Nothing but the list is asked for, and no version is made; mirroring removes nothing."""
    upstream.write(name, upstream.manifest() if name == "PULP_MANIFEST" else upstream.sums(), tag=tag)
    with open_depot(upstream.origin.url(f"/{name}")) as opened:
        assert await sync(opened) is not None
        before = upstream.asked("*")

        assert [await sync(opened), await sync(opened)] == [None, None]

    assert upstream.asked("*") == before + 2


async def test_with_skip_unchanged_off_every_line_is_read_again(
    upstream: Any, open_depot: Callable[..., Any], sync: Any
) -> None:
    """Every unit goes through the stages, asks for no bytes, and makes no version."""
    with open_depot(upstream.origin.url("/PULP_MANIFEST"), options={"skip_unchanged": False}) as opened:
        await sync(opened)
        before = upstream.asked("*.iso")

        assert await sync(opened) is None

        report = opened.catalog.reader.last_run("isos").report
    assert upstream.asked("*.iso") == before
    assert "if-none-match" not in upstream.origin.requests[-1].headers
    assert report["trace"]


@pytest.mark.parametrize("mirror", [True, False])
async def test_a_changed_list_makes_a_version(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any, mirror: bool
) -> None:
    """What changed replaces what was there; what is gone goes only when mirroring."""
    with open_depot(upstream.origin.url("/PULP_MANIFEST"), mirror=mirror) as opened:
        await sync(opened)
        upstream.add("a.iso", b"changed")
        del upstream.files["folder/b.iso"]
        upstream.write("PULP_MANIFEST", upstream.manifest())

        version = await sync(opened)

        assert version is not None
        assert listed(opened, 2)["a.iso"] == b"changed"
        assert ("folder/b.iso" in listed(opened, 2)) == (not mirror)
        assert listed(opened, 1)["a.iso"] == b"the bytes of a.iso"


BAD_LINES = {
    "PULP_MANIFEST": {
        f"../x,{OTHER},5": "leaves its root",
        f"a/../../x,{OTHER},5": "leaves its root",
        f"/etc/passwd,{OTHER},5": "is absolute",
        f",{OTHER},5": "is empty",
        f"a//b,{OTHER},5": "cannot name a file",
        f"a\\b,{OTHER},5": "cannot name a file",
        f"{'a/' * 3000}b,{OTHER},5": "too long",
        f"x,{OTHER[1:]},5": "is not a sha256 digest",
        f"x,{OTHER},minus one": "is not a size",
    },
    "SHA256SUMS": {
        f"{OTHER}  ../x": "leaves its root",
        f"{OTHER} */etc/passwd": "is absolute",
        f"{OTHER}  a/./b": "cannot name a file",
        rf"\{OTHER}  a\nb": "cannot name a file",
        f"{OTHER[1:]}  x": "is not a sha256 digest",
    },
}


@pytest.mark.fault("B01", "B02", "B03", "B07", "B13")
@pytest.mark.promise("P29")
@pytest.mark.parametrize(
    ("name", "line", "told"), [(name, line, told) for name, lines in BAD_LINES.items() for line, told in lines.items()]
)
async def test_a_line_that_cannot_be_is_told_with_its_number(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, name: str, line: str, told: str
) -> None:
    """File, line and remedy are named, and no version is made."""
    upstream.write(name, [(upstream.manifest() if name == "PULP_MANIFEST" else upstream.sums())[0], line])

    with open_depot(upstream.origin.url(f"/{name}")) as opened, pytest.raises(Failed) as failed:
        await sync(opened)

    assert told in failed.value.what
    assert f"/{name}, line 2" in failed.value.where
    assert failed.value.remedy
    assert failed.value.code == InvalidMetadata.exit_code


@pytest.mark.fault("B01", "B07")
async def test_the_rest_of_a_list_is_mirrored_when_bad_lines_are_skipped(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """Each bad line is reported; the list is read again the next time, in case it healed."""
    bad = list(BAD_LINES["PULP_MANIFEST"])
    upstream.write("PULP_MANIFEST", upstream.manifest() + bad)

    with open_depot(upstream.origin.url("/PULP_MANIFEST"), on_error="skip") as opened:
        await sync(opened)

        assert listed(opened) == upstream.files
        run = opened.catalog.reader.last_run("isos")
        failures = opened.catalog.reader.failures("isos", run.id)
        assert len(failures) == len(bad)
        assert await sync(opened) is None
        assert "if-none-match" not in upstream.origin.requests[-1].headers


@pytest.mark.fault("A21")
@pytest.mark.parametrize("line", ["<html>", "a.iso", "a.iso,12"])
async def test_a_line_that_names_no_file_ends_the_sync(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, line: str
) -> None:
    """A page of an error or of a portal is no list: nothing of it is taken, whatever on_error says."""
    upstream.write("PULP_MANIFEST", [*upstream.manifest(), line])

    with (
        open_depot(upstream.origin.url("/PULP_MANIFEST"), on_error="skip") as opened,
        pytest.raises(InvalidMetadata, match="no line of a manifest") as told,
    ):
        await sync(opened)

    assert "/PULP_MANIFEST, line 4" in told.value.where
    assert told.value.remedy


@pytest.mark.fault("B13")
async def test_an_upper_case_digest_is_the_same_digest(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """When the upstream changes only how it writes digests, nothing changed."""
    with open_depot(upstream.origin.url("/PULP_MANIFEST")) as opened:
        await sync(opened)
        lines = [line.rsplit(",", 2) for line in upstream.manifest()]
        upstream.write("PULP_MANIFEST", [f"{path},{digest.upper()},{size}" for path, digest, size in lines])

        assert await sync(opened) is None
        assert listed(opened) == upstream.files


@pytest.mark.fault("B04")
async def test_a_path_with_two_digests_fails_and_one_twice_is_one(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """Nobody can say which of two is meant; saying the same twice is harmless."""
    twice = [*upstream.manifest(), upstream.manifest()[0]]
    upstream.write("PULP_MANIFEST", twice)
    with open_depot(upstream.origin.url("/PULP_MANIFEST")) as opened:
        await sync(opened)
        assert listed(opened) == upstream.files

        upstream.origin.put("/a.iso", b"other bytes")
        upstream.write("PULP_MANIFEST", [*upstream.manifest(), f"a.iso,{OTHER},11"])
        with pytest.raises(EntrepotError) as told:
            await sync(opened)

        assert "a.iso" in str(told.value)
        assert opened.catalog.reader.repositories()[0].latest == 1


async def test_lists_that_entrepot_writes_itself_are_left_out(
    upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any
) -> None:
    """A list of upstream's would stand where ours does; it is refused, and says so."""
    files = dict(upstream.files)
    upstream.add("SHA256SUMS", b"upstream's own")
    upstream.write("PULP_MANIFEST", upstream.manifest())

    with open_depot(upstream.origin.url("/PULP_MANIFEST")) as opened:
        await sync(opened)

        assert listed(opened) == files
        run = opened.catalog.reader.last_run("isos")
        (refused,) = opened.catalog.reader.refusals("isos", run.id)
        assert refused.rule == "own-list"


async def test_a_mirror_can_be_mirrored(upstream: Any, open_depot: Callable[..., Any], sync: Any, listed: Any) -> None:
    """What is published is a list like any other."""
    with open_depot(upstream.origin.url("/SHA256SUMS")) as opened:
        await sync(opened)
        published = opened.catalog.reader.locate("isos", 1, "PULP_MANIFEST")[0].body
        assert published is not None

    upstream.write("second/PULP_MANIFEST", published.decode().splitlines())
    for path, body in upstream.files.items():
        upstream.origin.put(f"/second/{path}", body)
    with open_depot(upstream.origin.url("/second/PULP_MANIFEST")) as opened:
        await sync(opened)
        assert listed(opened, 2) == upstream.files
