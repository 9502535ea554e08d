"""Holds a document of provenance (PEP 740) to the file that it is said to be about."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from entrepot.plugin import InvalidMetadata, bounded_json
from entrepot_python.filenames import is_same_file

#: Bytes of a document; the largest there are have a tenth.
LARGEST: Final = 1024**2

_STATEMENT: Final = "https://in-toto.io/Statement/v1"

T = TypeVar("T")


class _Material(msgspec.Struct):
    certificate: str
    transparency_entries: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)]


class _Envelope(msgspec.Struct):
    statement: str
    signature: str


class _Attestation(msgspec.Struct):
    version: Literal[1]
    verification_material: _Material
    envelope: _Envelope


class _Publisher(msgspec.Struct):
    kind: str


class _Bundle(msgspec.Struct):
    publisher: _Publisher
    attestations: Annotated[list[_Attestation], msgspec.Meta(min_length=1)]


class _Provenance(msgspec.Struct):
    version: Literal[1]
    attestation_bundles: Annotated[list[_Bundle], msgspec.Meta(min_length=1)]


class _Subject(msgspec.Struct):
    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct):
    type: str = msgspec.field(name="_type")
    subject: list[_Subject]


def check_provenance(body: bytes, filename: str, sha256: str) -> None:
    """Raise `InvalidMetadata` for what is no provenance of the file with this name and SHA-256.

    Every attestation has to be about that file. Signatures are not verified: whether to trust who
    signed is the client's to say, and the bytes that it says it of come to it unchanged.
    """
    provenance = _read(body, _Provenance, "it is no provenance as PEP 740 has it")
    for bundle in provenance.attestation_bundles:
        for attestation in bundle.attestations:
            _check_statement(attestation.envelope.statement, filename, sha256)


def _check_statement(encoded: str, filename: str, sha256: str) -> None:
    try:
        # Some encoders break lines.
        text = base64.b64decode("".join(encoded.split()), validate=True)
    except ValueError as error:
        raise InvalidMetadata("the statement of an attestation is not in base64") from error
    statement = _read(text, _Statement, "the statement of an attestation is none of in-toto")
    if statement.type != _STATEMENT:
        raise InvalidMetadata(f"the statement of an attestation is a {statement.type!r:.80}, not a {_STATEMENT!r}")
    named = [subject for subject in statement.subject if is_same_file(subject.name, filename)]
    if not named:
        raise InvalidMetadata("an attestation is about another file, by its name")
    if not any(subject.digest.get("sha256", "").lower() == sha256 for subject in named):
        raise InvalidMetadata("an attestation is about other bytes than the index lists, by their sha256")


def _read(body: bytes, form: type[T], trouble: str) -> T:
    """Read JSON in which nothing stands twice: clients would not agree what it says."""
    try:
        return msgspec.convert(bounded_json(body, largest=LARGEST), form)
    except InvalidMetadata as error:
        raise InvalidMetadata(f"{trouble}: {error.what}") from error
    except msgspec.ValidationError as error:
        raise InvalidMetadata(f"{trouble}: {error!s:.200}") from error
