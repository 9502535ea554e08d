"""Counting and hashing bytes as they pass."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.errors import DigestMismatch, SizeMismatch
from entrepot.model.artifact import Artifact
from entrepot.model.verification import Verification


def test_only_what_is_needed_is_computed() -> None:
    """sha256 names the bytes in storage; of the others, those that were declared."""
    verification = Verification(Artifact(md5=hashlib.md5(b"body", usedforsecurity=False).hexdigest()))
    verification.update(b"bo")
    verification.update(memoryview(b"dy"))

    digests = verification.finish()

    assert [digest.algorithm for digest in digests] == ["sha256", "md5"]
    assert digests[0].value == hashlib.sha256(b"body").digest()


@pytest.mark.promise("P11")
def test_bytes_that_are_too_many_are_refused_whole() -> None:
    """What was refused is not counted and not hashed: the body may still come out right."""
    verification = Verification(Artifact(sha256=hashlib.sha256(b"body").hexdigest(), size=4))
    verification.update(b"bod")

    with pytest.raises(SizeMismatch, match="at least 6 bytes, 4 were declared"):
        verification.update(b"yyy")

    verification.update(b"y")
    assert verification.count == 4
    assert verification.finish()


@pytest.mark.fault("A09")
@pytest.mark.promise("P11")
def test_zero_is_a_size() -> None:
    """An empty body that was declared empty is whole; one byte is too many."""
    verification = Verification(Artifact(size=0))

    with pytest.raises(SizeMismatch):
        verification.update(b"x")

    assert verification.finish()[0].value == hashlib.sha256().digest()


def test_a_short_body_is_told_by_its_size_not_by_its_digest() -> None:
    """Whoever reads the error learns that the transfer ended early."""
    verification = Verification(Artifact(sha256=hashlib.sha256(b"body").hexdigest(), size=4))
    verification.update(b"bod")

    with pytest.raises(SizeMismatch, match="size is 3 bytes, 4 were declared"):
        verification.finish()


@given(st.lists(st.binary(max_size=30)), st.lists(st.binary(max_size=30)))
def test_pieces_make_the_same_digest_as_the_whole(before: list[bytes], pieces: list[bytes]) -> None:
    """However a body is cut; what came before a restart leaves no trace."""
    body = b"".join(pieces)
    verification = Verification(Artifact(sha512=hashlib.sha512(body).hexdigest()))
    for piece in before:
        verification.update(piece)
    verification.restart()

    for piece in pieces:
        verification.update(memoryview(piece))

    sha256, sha512 = verification.finish()
    assert (sha256.value, sha512.value) == (hashlib.sha256(body).digest(), hashlib.sha512(body).digest())
    assert verification.count == len(body)


@pytest.mark.promise("P12")
@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha384", "blake2b", "sha224", "sha1", "md5"])
def test_each_declared_digest_is_checked(algorithm: str) -> None:
    """The strongest alone would let a manifest lie about the others."""
    good = hashlib.new(algorithm, b"body").hexdigest()
    wrong = "0" * len(good)
    declared: dict[str, Any] = {algorithm: good}
    right, lying = Verification(Artifact(**declared)), Verification(Artifact(**{**declared, algorithm: wrong}))
    for verification in (right, lying):
        verification.update(b"body")

    assert algorithm in {digest.algorithm for digest in right.finish()}
    with pytest.raises(DigestMismatch) as caught:
        lying.finish()
    assert (caught.value.algorithm, caught.value.expected, caught.value.actual) == (algorithm, wrong, good)


def test_a_blake2b_digest_may_be_cut_to_32_bytes() -> None:
    """As some indexes publish it."""
    digest = hashlib.blake2b(b"body", digest_size=32).hexdigest()
    verification = Verification(Artifact(blake2b=digest))
    verification.update(b"body")

    assert verification.finish()[1].hex == digest


@pytest.mark.fault("B13")
@pytest.mark.promise("P12")
def test_one_wrong_digest_among_right_ones_is_told() -> None:
    """The strongest being right does not excuse the others: somebody lies."""
    wrong = hashlib.sha1(b"other", usedforsecurity=False).hexdigest()
    declared = Artifact(sha256=hashlib.sha256(b"body").hexdigest(), sha1=wrong)
    verification = Verification(declared)
    verification.update(b"body")

    with pytest.raises(DigestMismatch, match=hashlib.sha1(b"body", usedforsecurity=False).hexdigest()) as told:
        verification.finish()

    assert told.value.algorithm == "sha1"


def test_a_restart_forgets_all() -> None:
    """The second try is hashed as if there had been no first."""
    verification = Verification(Artifact(sha256=hashlib.sha256(b"body").hexdigest(), size=4))
    verification.update(b"xx")

    verification.restart()
    verification.update(b"body")

    assert verification.finish()
