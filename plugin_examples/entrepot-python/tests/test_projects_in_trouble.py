"""Projects that an index lists and that cannot be mirrored, or not wholly."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from entrepot.plugin import EntrepotError
from entrepot.testing import Reply

JSON = "application/vnd.pypi.simple.v1+json"

Open = Callable[..., AbstractContextManager[Any]]


def failing(index: Any) -> dict[str, Callable[[], None]]:
    """Ways in which a project cannot be mirrored, by what the error names."""
    first = index.pages["demo"][0]

    def change(**said: Any) -> Callable[[], None]:
        def spoil() -> None:
            first.update(said)
            index.write("demo")

        return spoil

    def answer(reply: Reply) -> Callable[[], None]:
        return lambda: index.origin.on("/simple/demo/", reply)

    return {
        "the index has no project 'demo'": answer(Reply(status=404)),
        "is about 'other'": lambda: index.write("demo", name="other"),
        "'text/plain'": answer(Reply(body=b"hello", headers={"Content-Type": "text/plain"})),
        "is not what PEP 691": answer(Reply(body=b"{", headers={"Content-Type": JSON})),
        "file 'demo-1.0.tar.gz' of project 'demo'": change(size=-1),
        "is not a sha256 digest": change(hashes={"sha256": "xyz"}),
        "no URL to download from": change(url="file:///etc/passwd"),
        "no URL to download": change(url="javascript:alert(1)"),
        "leaves its root": change(filename=".."),
        "is a path": change(filename="x/demo-1.0.tar.gz"),
        "sha256 is": change(hashes={"sha256": "0" * 64}),
    }


@pytest.mark.fault("B01", "B07", "B13", "B14")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("number", range(11))
async def test_what_cannot_be_mirrored_is_named_and_nothing_is_lost(open_mirror: Open, index: Any, number: int) -> None:
    """The sync fails with project and file in its error; the version before stands."""
    with open_mirror(["demo", "other"]) as mirror:
        await mirror.sync()
        named, spoil = list(failing(index).items())[number]
        spoil()

        with pytest.raises(EntrepotError) as caught:
            await mirror.sync()

        assert named in str(caught.value)
        assert "demo" in str(caught.value)
        assert mirror.latest() == 1


async def test_a_project_that_cannot_be_read_stays_as_it_was_when_failures_are_skipped(
    open_mirror: Open, index: Any
) -> None:
    """Trouble upstream removes nothing, also when mirroring; the other projects go on."""
    with open_mirror(["demo", "other"], on_error="skip") as mirror:
        await mirror.sync()
        index.origin.on("/simple/demo/", Reply(status=500))
        index.add("other", "other-2.0.tar.gz")
        await mirror.sync()

        assert mirror.filenames("demo", 2) == ["demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl"]
        assert mirror.filenames("other", 2) == ["other-1.0.tar.gz", "other-2.0.tar.gz"]


@pytest.mark.fault("B13")
@pytest.mark.promise("P12")
async def test_a_file_without_a_strong_digest_is_not_fetched_on_demand(open_mirror: Open, index: Any) -> None:
    """Nobody could tell later whether the bytes are right."""
    index.add("weak", "weak-1.tar.gz", hashes={"md5": "0" * 32})

    with open_mirror(["weak"], policy="on_demand") as mirror, pytest.raises(EntrepotError, match="stronger") as caught:
        await mirror.sync()

    assert "allow_weak_digests = true" in str(caught.value)


@pytest.mark.parametrize("allowed", [False, True])
async def test_core_metadata_that_nothing_vouches_for_are_left_out(
    open_mirror: Open, index: Any, allowed: bool
) -> None:
    """Its file is mirrored all the same, and the page does not promise what is not there."""
    index.origin.put("/packages/meta-1-py3-none-any.whl.metadata", b"Metadata-Version: 2.1\n")
    index.add("meta", "meta-1-py3-none-any.whl", **{"core-metadata": True})

    with open_mirror(["meta"], allow_weak_digests=allowed) as mirror:
        await mirror.sync()

        beside = mirror.published("packages/meta/meta-1-py3-none-any.whl.metadata")
        (listed,) = mirror.page("meta")["files"]

    assert listed["filename"] == "meta-1-py3-none-any.whl"
    assert (bool(beside), bool(listed.get("core-metadata"))) == (allowed, allowed)


@pytest.mark.fault("A19")
@pytest.mark.parametrize("gone_from", ["list", "page"])
async def test_a_project_that_comes_back_as_it_was_is_mirrored_again(
    index: Any, open_mirror: Open, gone_from: str
) -> None:
    """Its page is known, and yet nothing of it is here: it left the mirror when it left the index."""
    with open_mirror(["*"]) as mirror:
        await mirror.sync()
        page = index.pages.pop("other")
        if gone_from == "list":
            index.write("demo")
        index.origin.on("/simple/other/", Reply(status=404))
        await mirror.sync()
        assert not mirror.published("simple/other/", 2)

        index.pages["other"] = page
        index.write("other")
        await mirror.sync()
        assert mirror.filenames("other", 3) == ["other-1.0.tar.gz"]
