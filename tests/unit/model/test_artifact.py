"""Artifacts as an upstream declares them."""

from __future__ import annotations

import hashlib

import pytest

from entrepot.errors import InvalidMetadata
from entrepot.model.artifact import Artifact
from entrepot.model.digest import Digest, hasher, parse_digest

SHA256 = hashlib.sha256(b"").hexdigest()


@pytest.mark.fault("B13")
def test_digests_are_kept_in_lower_case() -> None:
    """Upstreams write both; equal digests must be equal."""
    assert Artifact(sha256=SHA256.upper()) == Artifact(sha256=SHA256)


@pytest.mark.fault("B13")
@pytest.mark.parametrize(
    "text", ["", "abc", SHA256[:-1], SHA256 + "0", "g" * 64, " " + SHA256[1:], SHA256[:31] + "  " + SHA256[33:]]
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    """The error says what a digest of this algorithm looks like."""
    with pytest.raises(InvalidMetadata, match="is not a sha256 digest") as caught:
        Artifact(sha256=text)

    assert "64 hexadecimal digits" in caught.value.remedy


@pytest.mark.fault("B07")
@pytest.mark.parametrize("size", [-1, 2**63, True, "5", 1.0])
def test_what_is_no_size_is_refused(size: int) -> None:
    """A size is a whole number of bytes that fits a file system."""
    with pytest.raises(InvalidMetadata, match="is not a size"):
        Artifact(sha256=SHA256, size=size)


def test_a_size_of_zero_is_a_size() -> None:
    """An empty file is declared as such, and held to it."""
    assert Artifact(sha256=SHA256, size=0).size == 0


def test_sha256_names_the_bytes_when_it_is_there() -> None:
    """Storage addresses by it; other digests are checked and look bytes up only without it."""
    both = Artifact(sha256=SHA256, sha512=hashlib.sha512(b"").hexdigest())

    assert both.preferred == Digest("sha256", hashlib.sha256(b"").digest())
    assert [digest.algorithm for digest in both.digests] == ["sha256", "sha512"]


def test_the_strongest_names_the_bytes_otherwise() -> None:
    """md5 never outranks what is stronger."""
    artifact = Artifact(md5=hashlib.md5(b"").hexdigest(), sha512=hashlib.sha512(b"").hexdigest())  # noqa: S324  # as upstreams do

    assert artifact.preferred is not None
    assert artifact.preferred.algorithm == "sha512"
    assert not artifact.is_weak


@pytest.mark.parametrize("artifact", [Artifact(), Artifact(md5="0" * 32), Artifact(sha1="0" * 40, md5="0" * 32)])
def test_sha1_and_md5_alone_are_weak(artifact: Artifact) -> None:
    """Whether that is enough is for the operator to say."""
    assert artifact.is_weak


@pytest.mark.parametrize(("algorithm", "length"), [("blake2b", 128), ("blake2b", 64), ("sha1", 40)])
def test_a_digest_can_be_computed_anew(algorithm: str, length: int) -> None:
    """blake2b is published in two lengths; which one shows from the digest."""
    digest = parse_digest(algorithm, "0" * length)

    assert hasher(digest).digest_size == length // 2


@pytest.mark.fault("B13")
def test_an_unknown_algorithm_is_refused_with_the_nearest() -> None:
    """A typing mistake is seen for one."""
    with pytest.raises(InvalidMetadata, match="'sha265' is not known; did you mean 'sha2"):
        parse_digest("sha265", "00")
