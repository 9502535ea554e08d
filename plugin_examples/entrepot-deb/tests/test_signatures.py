"""Signed text is read with a key that signed it, or not at all."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysequoia import SignatureMode, Tsk, sign

from entrepot.plugin import ConfigurationError, EntrepotError, IntegrityError, InvalidMetadata
from entrepot_deb.signatures import Keyring, open_detached, open_inline, read_keyring, unchecked_text

TEXT = b"Origin: example\nSuite: stable\n"
OURS, OTHER = Tsk.generate(user_id="archive"), Tsk.generate(user_id="somebody")


def keys(*of: Tsk) -> Keyring:
    """A keyring as a file has it."""
    return read_keyring(b"".join(bytes(key.extract_certificate()) for key in of), what="keys.gpg")


def inline(key: Tsk) -> bytes:
    """An InRelease file."""
    return sign(key.signer(), TEXT, mode=SignatureMode.CLEAR)


def detached(key: Tsk) -> bytes:
    """A signature as binary packets, which can be put one behind the other."""
    return sign(key.signer(), TEXT, mode=SignatureMode.DETACHED, armor=False)


def test_what_a_known_key_signed_is_given() -> None:
    """One key of several is enough, in a keyring as in a signature."""
    assert open_inline(inline(OURS), keys(OTHER, OURS), what="InRelease") == TEXT
    assert open_detached(TEXT, detached(OTHER) + detached(OURS), keys(OURS), what="Release") == TEXT


def test_what_another_key_signed_is_refused() -> None:
    """A good signature by an unknown key is worth nothing, and neither is ours on another text."""
    with pytest.raises(IntegrityError, match="no key of the keyring"):
        open_inline(inline(OTHER), keys(OURS), what="InRelease")
    with pytest.raises(IntegrityError, match="no key of the keyring"):
        open_detached(TEXT, detached(OTHER), keys(OURS), what="Release")
    with pytest.raises(IntegrityError, match="no key of the keyring"):
        open_inline(inline(OURS).replace(b"stable", b"faible"), keys(OURS), what="InRelease")
    with pytest.raises(IntegrityError, match="no key of the keyring"):
        open_detached(TEXT + b"X: y\n", detached(OURS), keys(OURS), what="Release")


@pytest.mark.parametrize(
    "around",
    [
        lambda signed: b"Suite: evil\n\n" + signed,
        lambda signed: b"\n" + signed,
        lambda signed: signed + b"Suite: evil\n",
        lambda signed: signed + b"\n",
        lambda signed: signed + signed,
        lambda signed: signed + b"Suite: evil-----END PGP SIGNATURE-----\n",
        lambda signed: b"Suite: evil" + signed,
        lambda signed: signed.replace(b"\n\nOrigin", b"\n" + b"Hash: SHA512\n" * 1000 + b"\nOrigin", 1),
        lambda signed: signed.replace(b"\nHash:", b"\nSuite: evil\nHash:", 1),
        lambda signed: signed.replace(b"\n\nOrigin", b"\n \n\nOrigin", 1),
        lambda signed: signed.replace(b"\n", b"\r\n"),
        lambda _: TEXT,
    ],
)
def test_text_outside_the_signed_block_is_refused(around: object) -> None:
    """Though the signature is good: nobody shall read what it does not cover."""
    assert callable(around)

    with pytest.raises(InvalidMetadata, match="signed"):
        open_inline(around(inline(OURS)), keys(OURS), what="InRelease")


def test_nothing_signed_is_nothing_said() -> None:
    """Where nobody is asked to vouch for it as well: it is no error of ours."""
    empty = b"-----BEGIN PGP SIGNED MESSAGE-----\n\n-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n"

    assert unchecked_text(empty, what="InRelease").strip() == b""
    assert unchecked_text(inline(OURS), what="InRelease").strip() == TEXT.strip()


@pytest.mark.promise("P27")
def test_lines_that_nobody_signed_are_not_held_one_by_one() -> None:
    """Whoever stands between may send as many as a file may have."""
    data = inline(OURS).replace(b"\n\nOrigin", b"\n\n" + b"ab\n" * 500_000 + b"Origin", 1)

    tracemalloc.start()
    unchecked_text(data, what="InRelease")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8 * len(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_our_error(data: bytes) -> None:
    """Whether in place of signed text, of a signature, or of keys."""
    for data_as in (data, inline(OURS)[:-40] + data):
        with pytest.raises(EntrepotError):
            open_inline(data_as, keys(OURS), what="InRelease")
    with pytest.raises(EntrepotError):
        open_detached(TEXT, data, keys(OURS), what="Release")
    with pytest.raises(ConfigurationError):
        read_keyring(data, what="keys.gpg")
