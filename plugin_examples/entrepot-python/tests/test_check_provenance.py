"""Which bytes are the provenance of a file, and which are not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import InvalidMetadata
from entrepot.testing.strategies import a_few
from entrepot_python.check_provenance import check_provenance
from entrepot_python.filenames import is_same_file

NAME, SHA256 = "full_name-1.0-py2.py3-none-any.whl", "ab" * 32


def statement(**said: Any) -> dict[str, Any]:
    """What is signed, about the file, but for what it says."""
    subject = {"name": NAME, "digest": {"sha256": SHA256}}
    predicate = {"predicateType": "https://docs.pypi.example/publish/v1", "predicate": None}
    return {"_type": "https://in-toto.io/Statement/v1", "subject": [subject], **predicate, **said}


def attestation(said: bytes | None = None, **changed: Any) -> dict[str, Any]:
    """An attestation that nobody signed, in PEP 740's form."""
    text = json.dumps(statement()).encode() if said is None else said
    return {
        "version": 1,
        "verification_material": {"certificate": "MII=", "transparency_entries": [{"logIndex": "1"}]},
        "envelope": {"statement": base64.b64encode(text).decode(), "signature": "MEU="},
        **changed,
    }


def provenance(*attestations: dict[str, Any], **changed: Any) -> bytes:
    """A document with these attestations."""
    publisher = {"kind": "GitHub", "repository": "demo/demo", "claims": {"sub": "x"}}
    bundle = {"publisher": publisher, "attestations": list(attestations)}
    return json.dumps({"version": 1, "attestation_bundles": [bundle], **changed}).encode()


def stating(**said: Any) -> bytes:
    """A document with one attestation, which says that."""
    return provenance(attestation(json.dumps(statement(**said)).encode()))


def about(name: str, **digest: str) -> bytes:
    """A document about another file."""
    return stating(subject=[{"name": name, "digest": digest}])


GOOD = {
    "as it is": provenance(attestation()),
    "two attestations": provenance(attestation(), attestation()),
    "digests of more kinds, in upper case": about(NAME, sha512="00", sha256=SHA256.upper()),
    "tags in another order": about("full_name-1.0-py3.py2-none-any.whl", sha256=SHA256),
    "a name written in another way": about("Full.Name-1.0-py2.py3-none-any.whl", sha256=SHA256),
    "more subjects": stating(
        subject=[{"name": "x", "digest": {}}, {"name": NAME, "digest": {"sha256": SHA256}}],
    ),
    "broken into lines": provenance(
        attestation(
            envelope={"statement": base64.encodebytes(json.dumps(statement()).encode()).decode(), "signature": "M="}
        )
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_about_the_file_is_taken(case: str) -> None:
    """However the name and the statement are written."""
    check_provenance(GOOD[case], NAME, SHA256)


DEEP = b'{"version": 1, "attestation_bundles": ' + b"[" * 100_000

BAD = {
    "nothing": (b"", "no provenance"),
    "a login page": (b"<!DOCTYPE html><title>Log in</title>", "no provenance"),
    "cut": (provenance(attestation())[:-20], "no provenance"),
    "cut where it can be read": (b"{}", "no provenance"),
    "another version": (provenance(attestation(), version=2), "no provenance"),
    "no bundle": (provenance(attestation(), attestation_bundles=[]), "no provenance"),
    "no attestation": (provenance(), "no provenance"),
    "another version of attestations": (provenance(attestation(version=3)), "no provenance"),
    "no signature": (provenance(attestation(envelope={"statement": "e30="})), "no provenance"),
    "in no log": (
        provenance(attestation(verification_material={"certificate": "M=", "transparency_entries": []})),
        "no provenance",
    ),
    "a key twice": (b'{"version": 1, ' + provenance(attestation())[1:], "no provenance"),
    "deep": (DEEP, "no provenance"),
    "large": (provenance(attestation()) + b" " * 1024**2, "no provenance"),
    "no UTF-8": (b'{"version": 1, "x": "\xff"}', "no provenance"),
    "no base64": (provenance(attestation(envelope={"statement": "%%%%", "signature": "M="})), "not in base64"),
    "no ASCII": (provenance(attestation(envelope={"statement": "\u00e4", "signature": "M="})), "not in base64"),
    "no statement": (provenance(attestation(b"hello")), "none of in-toto"),
    "a statement with a key twice": (
        provenance(attestation(b'{"subject": [], ' + json.dumps(statement()).encode()[1:])),
        "none of in-toto",
    ),
    "another kind of statement": (stating(_type="https://in-toto.io/Statement/v0.1"), "Statement/v0.1"),
    "no subject": (stating(subject=[]), "another file"),
    "another file": (about("other-1.0-py2.py3-none-any.whl", sha256=SHA256), "another file"),
    "another version of it": (about("full_name-2.0-py2.py3-none-any.whl", sha256=SHA256), "another file"),
    "its other form": (about("full_name-1.0.tar.gz", sha256=SHA256), "another file"),
    "tags without end": (about(f"a-1-{'a.' * 9999}b-{'a.' * 9999}b-{'a.' * 9999}b.whl", sha256=SHA256), "another file"),
    "other bytes": (about(NAME, sha256="0" * 64), "other bytes"),
    "no sha256": (about(NAME, sha512=SHA256), "other bytes"),
    "name and bytes of different subjects": (
        stating(subject=[{"name": NAME, "digest": {"sha256": "0" * 64}}, {"name": "x", "digest": {"sha256": SHA256}}]),
        "other bytes",
    ),
    "a good one, then a bad one": (provenance(attestation(), attestation(b"{}")), "none of in-toto"),
}


@pytest.mark.fault("A21", "B08", "B18")
@pytest.mark.parametrize("case", BAD)
def test_what_is_not_about_the_file_is_refused(case: str) -> None:
    """With a reason, in bounded time, and whatever else is right about it."""
    body, told = BAD[case]
    with pytest.raises(InvalidMetadata, match=told) as caught:
        check_provenance(body, NAME, SHA256)

    assert len(caught.value.what) < 400
    assert caught.value.what.isprintable()


@a_few(200)
@given(at=st.integers(0, len(GOOD["as it is"]) - 1), bits=st.integers(1, 255))
def test_a_damaged_document_is_refused_or_is_still_about_the_file(at: int, bits: int) -> None:
    """Nothing else is raised, whichever byte was hit."""
    body = bytearray(GOOD["as it is"])
    body[at] ^= bits
    try:
        check_provenance(bytes(body), NAME, SHA256)
    except InvalidMetadata:
        return
    encoded = json.loads(bytes(body))["attestation_bundles"][0]["attestations"][0]["envelope"]["statement"]
    (subject,) = json.loads(base64.b64decode(encoded))["subject"]
    assert is_same_file(subject["name"], NAME)
    assert subject["digest"]["sha256"].lower() == SHA256


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a_b-1.0.tar.gz", "A-B-1.0.tar.gz", True),
        ("a-1.0.tar.gz", "a-1.0.zip", False),
        ("a-1.0.tar.gz", "a-1.1.tar.gz", False),
        ("nonsense", "nonsense", True),
        ("nonsense", "also nonsense", False),
        ("a-1-1-py3-none-any.whl", "a-1-2-py3-none-any.whl", False),
        (f"a-{'1' * 900}.tar.gz", f"A-{'1' * 900}.tar.gz", True),
    ],
)
def test_names_of_one_file_may_be_written_in_several_ways(one: str, other: str, same: bool) -> None:
    """What cannot be read is the same only where it is equal."""
    assert is_same_file(one, other) is same
