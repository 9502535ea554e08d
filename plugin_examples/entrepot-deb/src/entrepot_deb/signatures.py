"""Gives signed text to those alone who ask with a key that signed it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final

import attrs
from pysequoia import Cert, Sig, verify
from pysequoia.packet import PacketPile

from entrepot.plugin import ConfigurationError, IntegrityError, InvalidMetadata

_FRAME: Final = [
    b"-----BEGIN PGP SIGNED MESSAGE-----",
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----END PGP SIGNATURE-----",
]
_HEADER = re.compile(rb"Hash: [A-Za-z0-9, -]+")
_FRAMING = re.compile(rb"^-----[^\n]*", re.MULTILINE)
_ESCAPE = re.compile(rb"^- ", re.MULTILINE)

#: Bytes before the signed text.
_LONGEST_HEAD: Final = 4096

#: Of one Release.gpg; archives sign with two or three keys.
_MOST_SIGNATURES: Final = 20


@attrs.frozen
class Keyring:
    """The keys that may vouch for an archive; any one of them is enough."""

    certificates: Sequence[Cert]


def read_keyring(data: bytes, *, what: str) -> Keyring:
    """Read public keys, binary or armoured; `ConfigurationError` names `what` where there is none."""
    try:
        certificates = Cert.split_bytes(data)
    except Exception as error:  # the library names no types of errors
        raise _no_keyring(what) from error
    if not certificates:
        raise _no_keyring(what)
    return Keyring(certificates)


def open_inline(data: bytes, keyring: Keyring, *, what: str) -> bytes:
    """Return the text that an InRelease file signs, and nothing that stands around it.

    Text outside the signed block is refused (`InvalidMetadata`), also where the signature is good:
    readers differ in whether they skip it. `IntegrityError` where no key of the keyring signed.
    """
    _check_frame(data, what)
    try:
        text = verify(bytes=data, store=lambda _: list(keyring.certificates)).bytes
    except Exception as error:  # the library names no types of errors
        raise _untrusted(what) from error
    if not text:
        raise _untrusted(what)
    return bytes(text)


def unchecked_text(data: bytes, *, what: str) -> bytes:
    """Return the text of an InRelease file that nobody vouches for; the frame is checked all the same."""
    _check_frame(data, what)
    begin, end = data.index(b"\n\n") + 2, data.index(b"\n" + _FRAME[1])
    return _ESCAPE.sub(b"", data[begin:end]) + b"\n"


def open_detached(data: bytes, signature: bytes, keyring: Keyring, *, what: str) -> bytes:
    """Return `data` if one of the signatures, as of a Release.gpg, is of the keyring.

    Raises `IntegrityError` where none is, and `InvalidMetadata` where there is no signature to read.
    """
    if not any(_signed(data, one, keyring) for one in _signatures(signature, what)):
        raise _untrusted(what)
    return data


def _signatures(signature: bytes, what: str) -> list[Sig]:
    try:
        packets = [bytes(packet) for packet in PacketPile.from_bytes(signature)]
        found = [Sig.from_bytes(packet) for packet in packets[: _MOST_SIGNATURES + 1]]
    except Exception as error:  # the library names no types of errors
        raise _malformed(what, "its signature cannot be read") from error
    if not 0 < len(found) <= _MOST_SIGNATURES:
        raise _malformed(what, f"it has {len(packets)} signatures")
    return found


def _signed(data: bytes, signature: Sig, keyring: Keyring) -> bool:
    try:
        verify(bytes=data, store=lambda _: list(keyring.certificates), signature=signature)
    except Exception:  # the library names no types of errors
        return False
    return True


def _check_frame(data: bytes, what: str) -> None:
    # Not cut into lines, of which a file may have millions: nobody has vouched for it yet.
    # Signed lines that begin with a dash are escaped: these are of the frame, or of a second one.
    if [found[0] for found in itertools.islice(_FRAMING.finditer(data), len(_FRAME) + 1)] != _FRAME:
        raise _malformed(what, "it is not one signed block")
    if not data.startswith(_FRAME[0]) or not data.removesuffix(b"\n").endswith(b"\n" + _FRAME[-1]):
        raise _malformed(what, "there is text outside the signed block")
    head, blank, _ = data.partition(b"\n\n")
    headers = head[:_LONGEST_HEAD].split(b"\n")[1:]
    if not blank or len(head) > _LONGEST_HEAD or not all(_HEADER.fullmatch(line) for line in headers):
        raise _malformed(what, "there is unsigned text before the signed text")


def _malformed(what: str, why: str) -> InvalidMetadata:
    remedy = "sync again; if it stays so, report it to whoever runs the archive"
    return InvalidMetadata(f"a signed file is refused: {why}", where=what, remedy=remedy)


def _untrusted(what: str) -> IntegrityError:
    return IntegrityError(
        "no key of the keyring has signed this text",
        where=what,
        remedy="sync again; if the archive has a new key, take it from its maintainers and add it to the keyring",
    )


def _no_keyring(what: str) -> ConfigurationError:
    return ConfigurationError("there is no public key in the keyring", where=what, remedy="name a file of public keys")
