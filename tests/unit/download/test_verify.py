"""Bytes are what was declared, or it is said how they differ."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.download.verify import Verifier
from entrepot.errors import DigestMismatch, SizeMismatch
from entrepot.model.artifact import Artifact

BODY = b"some bytes"


@given(st.lists(st.binary(max_size=30)), st.lists(st.binary(max_size=30)))
def test_pieces_make_the_same_digest_as_the_whole(before: list[bytes], pieces: list[bytes]) -> None:
    """What came before a restart leaves no trace."""
    body = b"".join(pieces)
    verifier = Verifier(Artifact(sha512=hashlib.sha512(body).hexdigest()))
    for piece in before:
        verifier.update(piece)
    verifier.restart()

    for piece in pieces:
        verifier.update(memoryview(piece))

    sha256, sha512 = verifier.finish()
    assert (sha256.value, sha512.value) == (hashlib.sha256(body).digest(), hashlib.sha512(body).digest())
    assert verifier.count == len(body)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha384", "blake2b", "sha224", "sha1", "md5"])
def test_each_declared_digest_is_checked(algorithm: str) -> None:
    """The strongest alone would let a manifest lie about the others."""
    good = hashlib.new(algorithm, BODY).hexdigest()
    wrong = "0" * len(good)
    right, lying = Verifier(Artifact(**{algorithm: good})), Verifier(Artifact(**{algorithm: wrong}))  # type: ignore[arg-type]  # a digest by name
    for verifier in (right, lying):
        verifier.update(BODY)

    assert algorithm in {digest.algorithm for digest in right.finish()}
    with pytest.raises(DigestMismatch) as caught:
        lying.finish()
    assert (caught.value.algorithm, caught.value.expected, caught.value.actual) == (algorithm, wrong, good)


def test_a_blake2b_digest_may_be_cut_to_32_bytes() -> None:
    """As some indexes publish it."""
    digest = hashlib.blake2b(BODY, digest_size=32).hexdigest()
    verifier = Verifier(Artifact(blake2b=digest))
    verifier.update(BODY)

    assert verifier.finish()[1].hex == digest


@pytest.mark.parametrize("declared", [0, 5, 9])
def test_the_first_byte_too_many_is_one_too_many(declared: int) -> None:
    """Zero is a size."""
    verifier = Verifier(Artifact(size=declared))
    verifier.update(BODY[:declared])

    with pytest.raises(SizeMismatch) as caught:
        verifier.update(BODY[declared:])

    assert (caught.value.expected, caught.value.actual) == (declared, 10)


def test_too_few_bytes_are_told_by_size_before_any_digest() -> None:
    """The digest of a part says nothing to anybody."""
    verifier = Verifier(Artifact(size=11, sha256="0" * 64))
    verifier.update(BODY)

    with pytest.raises(SizeMismatch):
        verifier.finish()
