"""A damaged depot: all damage is found and nothing else, nothing is changed, and all is mended that can be."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.operations.reference import Reference
from entrepot.operations.repair import Mended, Repaired, repair
from entrepot.operations.sync import sync
from entrepot.operations.verify import Damaged, Foreign, Found, Verified, verify
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.damage import clear, harm, listing, path_of, root_of
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

pytestmark = pytest.mark.slow

FILES, FEW = 500, 50


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Five hundred images of a few hundred bytes."""
    return filled(origin, FILES)


@pytest.fixture
def few(origin: BadOrigin) -> FirmwareUpstream:
    """Fifty images."""
    return filled(origin, FEW)


def filled(origin: BadOrigin, images: int) -> FirmwareUpstream:
    made = FirmwareUpstream(origin)
    for number in range(images):
        made.add(f"image-{number}", f"image {number} ".encode() * 50)
    made.publish()
    return made


def configured(upstream: FirmwareUpstream, **changes: Any) -> dict[str, Any]:
    return {"fw": {"type": "firmware", "url": upstream.url, **changes}}


def digests(upstream: FirmwareUpstream) -> list[str]:
    return [hashlib.sha256(body).hexdigest() for body in upstream.images.values()]


def verified(depot: Depot, reference: Reference | None = None, **sample: Any) -> tuple[list[Found], Verified]:
    seen = Verified(**{"seed": 0, **sample})
    return list(verify(depot, reference, seen=seen)), seen


async def repaired(depot: Depot, *names: str) -> tuple[list[Mended], Repaired]:
    done = Repaired()
    return [mended async for mended in repair(depot, names, done=done)], done


@pytest.mark.promise("P13")
@pytest.mark.fault("C14", "C15")
async def test_verify_names_exactly_what_is_damaged_and_what_is_foreign_and_changes_nothing(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """Flips, cuts, deletions, links, folders and pipes, by seed; not a byte or a time is different afterwards."""
    with open_depot(configured(upstream), whole=False) as depot:
        await sync(depot, "fw")
        done = harm(depot.storage, digests(upstream), seed=7)
        before = listing(root_of(depot.storage))

        found, seen = verified(depot)

        damaged = {one.sha256.hex(): one for one in found if isinstance(one, Damaged)}
        assert {sha256: one.kind for sha256, one in damaged.items()} == done.damaged
        assert {one.repositories for one in damaged.values()} == {("fw",)}
        assert {one.path for one in found if isinstance(one, Foreign)} == done.foreign
        assert (seen.checked, seen.damaged, seen.foreign, seen.exit_code) == (FILES, 42, 8, 4)
        assert listing(root_of(depot.storage)) == before


@pytest.mark.promise("P13")
@pytest.mark.fault("C14", "C15", "C16")
async def test_repair_makes_all_whole_again_with_a_live_upstream(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """Only what was damaged is fetched; folders that stood in the way are set aside with what is in them."""
    with open_depot(configured(upstream)) as depot:
        await sync(depot, "fw")
        done = harm(depot.storage, digests(upstream), seed=8)
        requests = upstream.artifact_requests()

        mended, outcome = await repaired(depot)

        assert {one.damaged.sha256.hex() for one in mended} == set(done.damaged)
        assert (outcome.mended, outcome.unmended, outcome.exit_code) == (42, 0, 0)
        assert upstream.artifact_requests() == requests + 42
        found, _ = verified(depot)
        assert not [one for one in found if isinstance(one, Damaged)]
        assert len(list((root_of(depot.storage) / "displaced").glob("*/inside"))) == 6
        clear(root_of(depot.storage), done.foreign)


@pytest.mark.promise("P13")
@pytest.mark.fault("C14")
@pytest.mark.parametrize(
    "answer", [Reply(status=404), Reply(body=b"other bytes"), Reply(body=b"x" * 10, cut=5)], ids=["404", "wrong", "cut"]
)
async def test_repair_deletes_nothing_when_the_upstream_cannot_help(
    open_depot: OpenDepot, few: FirmwareUpstream, answer: Reply
) -> None:
    """Each damaged file stays as it is, and is told with the reason."""
    with open_depot(configured(few, retries=0), whole=False) as depot:
        await sync(depot, "fw")
        done = harm(depot.storage, digests(few), seed=9)
        before = listing(root_of(depot.storage) / "sha256")
        few.origin.on("/fw/*.bin", answer)

        mended, outcome = await repaired(depot)

        assert (len(mended), outcome.mended, outcome.unmended, outcome.exit_code) == (42, 0, 42, 4)
        assert all(one.reasons[0].startswith("fw: ") for one in mended)
        assert {one.damaged.sha256.hex() for one in mended} == set(done.damaged)
        assert listing(root_of(depot.storage) / "sha256") == before


@pytest.mark.promise("P13")
async def test_only_the_files_of_the_repository_or_version_that_was_named_are_looked_at(
    open_depot: OpenDepot, few: FirmwareUpstream, origin: BadOrigin
) -> None:
    """Damage elsewhere is not told, and what stands in the storage besides is nobody's."""
    other = FirmwareUpstream(origin, "/other")
    other.add("only", b"an image of the other's")
    other.publish()
    both = {**configured(few), "other": {"type": "firmware", "url": other.url}}
    with open_depot(both, whole=False) as depot:
        await sync(depot, "fw")
        await sync(depot, "other")
        other.add("later", b"a later one")
        other.publish()
        await sync(depot, "other")
        path_of(depot.storage, hashlib.sha256(b"a later one").hexdigest()).unlink()
        harm(depot.storage, digests(few), seed=10)

        first, of_first = verified(depot, Reference("other", 1))
        second, of_second = verified(depot, Reference("other", 2))
        _, of_all = verified(depot, Reference("other"))

        assert (first, of_first.checked) == ([], 1)
        assert second == [Damaged("missing", hashlib.sha256(b"a later one").digest(), 11, ("other",))]
        assert (of_second.checked, of_all.checked) == (2, 2)


async def test_a_sample_is_drawn_by_its_seed_and_says_how_much_it_left_out(
    open_depot: OpenDepot, few: FirmwareUpstream
) -> None:
    """The same seed reads the same files, another one others."""
    with open_depot(configured(few)) as depot:
        await sync(depot, "fw")

        samples = [verified(depot, seed=seed, share=0.5)[1] for seed in (1, 1, 2)]

        assert samples[0] == samples[1]
        assert samples[0].octets != samples[2].octets
        assert all(sample.checked + sample.passed_over == FEW for sample in samples)
        assert 10 < samples[0].checked < 40


async def test_what_was_never_fetched_is_not_missing(open_depot: OpenDepot, few: FirmwareUpstream) -> None:
    """A repository that fetches on demand holds nothing before somebody asks."""
    with open_depot(configured(few, policy="on_demand")) as depot:
        await sync(depot, "fw")

        found, seen = verified(depot)

        assert (found, seen.checked, seen.exit_code) == ([], 0, 0)


async def test_each_recorded_address_is_tried(open_depot: OpenDepot, few: FirmwareUpstream) -> None:
    """A second repository that has the file may still reach it when the first one's upstream is gone."""
    second = FirmwareUpstream(few.origin, "/mirror")
    second.images, second.says = dict(few.images), dict(few.says)
    second.publish()
    both = {"fw": {"type": "firmware", "url": few.url}, "zz": {"type": "firmware", "url": second.url}}
    with open_depot(both) as depot:
        await sync(depot, "fw")
        await sync(depot, "zz")
        path_of(depot.storage, digests(few)[0]).unlink()
        few.origin.on("/fw/*.bin", Reply(status=404))

        _, outcome = await repaired(depot)

        assert (outcome.mended, outcome.unmended) == (1, 0)
        assert second.artifact_requests() == 1


@pytest.mark.fault("C14", "C16")
@pytest.mark.parametrize("left", [None, b"", b"image 0"], ids=["gone", "empty", "short"])
async def test_a_sync_fetches_again_what_is_gone_or_short(
    open_depot: OpenDepot, few: FirmwareUpstream, left: bytes | None
) -> None:
    """The catalog's word is not enough: a look at each file tells, and only the lost one is asked for."""
    with open_depot(configured(few)) as depot:
        await sync(depot, "fw")
        path = path_of(depot.storage, digests(few)[0])
        path.unlink()
        if left is not None:
            path.write_bytes(left)

        outcome = await sync(depot, "fw")

        assert outcome.downloaded == 1
        assert path.read_bytes() == few.images["image-0"]
