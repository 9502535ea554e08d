"""What an archive, or somebody between, may not do: each ends the sync with nothing of it taken."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from aiohttp import ClientSession
from pysequoia import SignatureMode, Tsk, sign

from entrepot.plugin import EntrepotError, Failed, IntegrityError, InvalidMetadata, UpstreamError
from entrepot.testing import Reply, served, sync

Open = Callable[..., AbstractContextManager[Any]]

INRELEASE = "/debian/dists/stable/InRelease"


async def refused(depot: Any, kind: type[Exception], match: str) -> EntrepotError:
    """Sync, which must fail without a new version; the error."""
    before = len(depot.catalog.reader.versions("tools")) if depot.catalog.reader.repositories() else 0
    with pytest.raises(kind) as caught:
        await sync(depot, "tools")
    assert re.search(match, str(caught.value))
    assert len(depot.catalog.reader.versions("tools")) == before
    assert isinstance(caught.value, EntrepotError)
    return caught.value


def asked_below_pool_or_lists(archive: Any) -> list[str]:
    """What was asked for that a Release names."""
    return [
        request.path for request in archive.origin.requests if "/pool/" in request.path or "binary-" in request.path
    ]


@pytest.mark.fault("B17")
@pytest.mark.parametrize("inline", [True, False])
async def test_what_an_unknown_key_signed_names_nothing(archive: Any, open_depot: Open, inline: bool) -> None:
    """Neither in one file nor in two."""
    archive.publish()
    release = archive.release(archive.indices())
    archive.key, known = Tsk.generate(user_id="somebody"), archive.key
    archive.inline = inline
    if not inline:
        archive.origin.on(INRELEASE, Reply(status=404))
    archive.sign(release)
    archive.key = known

    with open_depot() as depot:
        await refused(depot, IntegrityError, "no key of the keyring")

    assert asked_below_pool_or_lists(archive) == []


@pytest.mark.fault("B17")
@pytest.mark.parametrize("around", ["before", "behind", "twice"])
async def test_text_around_the_signed_block_names_nothing(archive: Any, open_depot: Open, around: str) -> None:
    """Though the signature is good."""
    archive.publish()
    signed = sign(archive.key.signer(), archive.release(archive.indices()), mode=SignatureMode.CLEAR)
    evil = b"Suite: evil\n"
    texts = {"before": evil + b"\n" + signed, "behind": signed + evil, "twice": signed + signed}
    archive.origin.put(INRELEASE, texts[around])

    with open_depot() as depot:
        await refused(depot, InvalidMetadata, "signed")

    assert asked_below_pool_or_lists(archive) == []


@pytest.mark.fault("B17")
async def test_a_login_page_is_no_archive(archive: Any, open_depot: Open) -> None:
    """With status 200, in place of every file."""
    page = b"<html><body>please log in</body></html>"
    archive.origin.on("*", Reply(body=page, headers={"Content-Type": "text/html"}))

    with open_depot() as depot:
        await refused(depot, InvalidMetadata, "signed")


async def test_an_older_state_is_refused(archive: Any, open_depot: Open) -> None:
    """Signed though it is: the date goes backwards."""
    archive.publish()
    with open_depot() as depot:
        await sync(depot, "tools")
        archive.moment = archive.moment.replace(hour=9)
        archive.publish()

        error = await refused(depot, UpstreamError, "seen before")

    assert "--allow-older" in error.remedy


async def test_a_state_that_is_over_is_refused(archive: Any, open_depot: Open) -> None:
    """Also when it is the same as before: who holds back news shows what was true once."""
    archive.valid_until = archive.moment + datetime.timedelta(days=7)
    archive.publish()
    with open_depot() as depot:
        await sync(depot, "tools")
    later = archive.moment.timestamp() + 8 * 86_400
    with open_depot(clock=lambda: later) as depot:
        error = await refused(depot, UpstreamError, "expired")

    assert "--allow-expired" in error.remedy


@pytest.mark.parametrize("by_hash", [True, False])
async def test_a_new_release_with_old_lists_is_refused(archive: Any, open_depot: Open, by_hash: bool) -> None:
    """Half a suite is never mirrored, and the version that was there stays."""
    archive.by_hash = by_hash
    archive.publish()
    with open_depot() as depot:
        await sync(depot, "tools")
        archive.add("hello", "1.1")
        archive.moment = archive.moment.replace(hour=13)
        archive.sign(archive.release(archive.indices()))

        kind, match = (UpstreamError, "changed in part") if by_hash else (IntegrityError, "Packages")
        await refused(depot, kind, match)


async def test_a_suite_that_moves_on_meanwhile_is_read_anew(archive: Any, open_depot: Open) -> None:
    """Once: its lists are those of the Release that is then there."""
    archive.by_hash = False
    archive.publish()
    first = sign(archive.key.signer(), archive.release(archive.indices()), mode=SignatureMode.CLEAR)
    archive.add("hello", "1.1")
    archive.moment = archive.moment.replace(hour=13)
    archive.publish()
    second = archive.served["dists/stable/InRelease"]
    archive.origin.on(INRELEASE, Reply(body=first), Reply(body=second))

    with open_depot() as depot:
        outcome = await sync(depot, "tools")

    assert outcome.version.number == 1


async def test_what_was_known_of_the_state_before_is_not_kept_in_the_next(archive: Any, open_depot: Open) -> None:
    """A list that is as before in the Release that came first may be another in the one that holds."""
    archive.by_hash = False
    gone = archive.add("most", "1", component="extra")  # a list that is looked at before that of main
    archive.publish()
    with open_depot() as depot:
        await sync(depot, "tools")
        archive.add("hello", "1.1")
        archive.moment = archive.moment.replace(hour=13)
        first = sign(archive.key.signer(), archive.release(archive.indices()), mode=SignatureMode.CLEAR)
        archive.add("hello", "1.2")
        del archive.lists["extra", "amd64"][gone]
        del archive.pool[gone]
        archive.moment = archive.moment.replace(minute=30)
        archive.publish()
        archive.origin.on(INRELEASE, Reply(body=first), Reply(body=archive.served["dists/stable/InRelease"]))

        outcome = await sync(depot, "tools")

        assert outcome.version.number == 2
        assert depot.catalog.reader.locate("tools", 2, gone) == []
        assert all(depot.catalog.reader.locate("tools", 2, path) for path in archive.served)


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda text: text.replace(b"SHA256:", b"MD5Sum:"), "no SHA256"),
        (lambda text: text.replace(b" main/", b" ../main/", 1), "leaves its root"),
        (lambda text: text.replace(b" main/", b" /main/", 1), "absolute"),
        (lambda text: text.replace(b"Date: Fri", b"Date: Sometime", 1).replace(b"02 Jan", b"99 Jan", 1), "no date"),
        (lambda text: text + b" 12 34 main/x\n", "no digest, size and path"),
        (lambda text: text + b"\nSuite: other\n", "not one paragraph"),
        (lambda text: text + b" " + b"0" * 64 + b" 5 main/binary-amd64/Packages.xz\n", "two digests"),
        (lambda _: b"\xff\n", "UTF-8"),
    ],
)
async def test_a_signed_release_that_breaks_the_rules_is_refused(
    archive: Any, open_depot: Open, edit: Callable[[bytes], bytes], match: str
) -> None:
    """A good signature says whose it is, not that it can be read."""
    archive.publish()
    archive.sign(edit(archive.release(archive.indices())))

    with open_depot() as depot:
        await refused(depot, InvalidMetadata, match)

    assert asked_below_pool_or_lists(archive) == []


@pytest.mark.fault("B01", "B19")
@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("Filename", "../../etc/passwd", "leaves its root"),
        ("Filename", "/etc/passwd", "absolute"),
        ("Filename", "pool/" + "a" * 10_000, "too long"),
        ("Filename", "pool/a\tb", "cannot name a file"),
        ("SHA256", "12", "digest"),
        ("Size", "many", "Size"),
        ("Package", "", "no Package"),
    ],
)
async def test_one_bad_package_among_many_is_named(
    archive: Any, open_depot: Open, field: str, value: str, match: str
) -> None:
    """With its line; the others are mirrored where the operator lets one be skipped."""
    path = "pool/main/world/world_2.0-1_amd64.deb"
    lines = archive.lists["main", "amd64"][path].splitlines()
    lines = [f"{field}: {value}" if line.startswith(f"{field}:") else line for line in lines]
    archive.lists["main", "amd64"][path] = "\n".join(lines) + "\n"
    archive.publish()

    with open_depot(on_error="skip") as depot:
        outcome = await sync(depot, "tools")

        assert outcome.version.number == 1
        (failure,) = depot.catalog.reader.failures("tools", depot.catalog.reader.last_run("tools").id)
        assert match in failure.error
        assert "Packages" in failure.error
        assert depot.catalog.reader.locate("tools", 1, "pool/main/hello/hello_1.0_amd64.deb") != []


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_a_package_that_changed_under_its_name_is_refused(archive: Any, open_depot: Open, policy: str) -> None:
    """Its bytes are not those that the signed list names."""
    archive.publish()
    archive.origin.put("/debian/pool/main/hello/hello_1.0_amd64.deb", b"other bytes")

    with open_depot(policy=policy) as depot:
        if policy == "immediate":
            await refused(depot, Failed, "hello_1.0_amd64.deb|size|digest|hello")
        else:
            await sync(depot, "tools")
            async with (
                served(depot) as address,
                ClientSession() as client,
                client.get(f"{address}/tools/pool/main/hello/hello_1.0_amd64.deb") as answer,
            ):
                assert answer.status == 502
