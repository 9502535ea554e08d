"""What packages say of their licences, and how much of them is read."""

from __future__ import annotations

import io
import struct
import tarfile
import tracemalloc
import zipfile

import pytest

from entrepot_licenses.core_metadata import LARGEST, license_of, read_license


def metadata(*lines: str) -> bytes:
    """Core metadata with these lines."""
    return "\n".join(["Metadata-Version: 2.4", "Name: demo", "Version: 1.0", *lines, "", "What it is."]).encode()


def wheel(body: bytes, *, name: str = "demo-1.0.dist-info/METADATA", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A wheel with that metadata."""
    return zipped({"demo.py": b"", name: body}, compression)


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of the zip kind."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return file.getvalue()


def sdist(body: bytes, *, name: str = "demo-1.0/PKG-INFO", before: int = 0) -> bytes:
    """A source distribution with that metadata, behind a file of so many bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for path, content in (("demo-1.0/data", bytes(before)), (name, body)):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


MIT = metadata("License-Expression: MIT")


@pytest.mark.parametrize(
    ("lines", "expression"),
    [
        (["License-Expression: mit and apache-2.0"], "MIT AND Apache-2.0"),
        (["License-Expression: MIT", "Classifier: License :: OSI Approved :: BSD License"], "MIT"),
        (["License-Expression: whatever", "License: MIT"], None),
        (["License: MIT"], "MIT"),
        (["License: Apache 2.0"], None),
        (["License: PSF"], "PSF-2.0"),
        ([], None),
        (["Classifier: License :: OSI Approved :: MIT License"], "MIT"),
        (["Classifier: License :: OSI Approved"], None),
        (["Classifier: License :: OSI Approved", "Classifier: License :: OSI Approved :: MIT License"], "MIT"),
        (["Classifier: License :: OSI Approved :: BSD License"], None),
        (["Classifier: License :: OSI Approved :: bsd license"], None),
        (["License: MIT", "Classifier: License :: OSI Approved :: Python Software Foundation License"], None),
        (["License: ISC", "Classifier: License :: OSI Approved :: MIT License"], "ISC AND MIT"),
        (["License: all the words of it", "Classifier: License :: OSI Approved :: MIT License"], "MIT"),
        (
            [
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            ],
            "GPL-3.0-only AND MIT",
        ),
    ],
)
def test_an_expression_goes_before_classifiers_and_those_before_words(lines: list[str], expression: str | None) -> None:
    """All that is said must hold; what names no one licence makes the whole unknown."""
    assert license_of(metadata(*lines), {"psf": "PSF-2.0"}).expression == expression


def test_words_mean_what_the_operator_says() -> None:
    """In a classifier or a free text, and in any case; unknown words are told, to be pasted."""
    lines = ["Classifier: License :: OSI Approved :: BSD License", "License: Apache 2.0"]

    said = license_of(metadata(*lines), {"bsd license": "BSD-3-Clause", "apache 2.0": "Apache-2.0 OR MIT"})
    unknown = license_of(metadata(*lines), {"apache 2.0": "Apache-2.0"})

    assert said.expression == "(Apache-2.0 OR MIT) AND BSD-3-Clause"
    assert unknown == (None, "BSD License")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("demo-1.0-py3-none-any.whl.metadata", MIT),
        ("demo-1.0-py3-none-any.whl", wheel(MIT)),
        ("demo-1.0.tar.gz", sdist(MIT)),
        ("demo-1.0.tar.gz", sdist(MIT, before=5_000_000)),
        ("demo-1.0.zip", zipped({"demo-1.0/setup.py": b"", "demo-1.0/PKG-INFO": MIT})),
    ],
)
def test_metadata_is_found_in_every_kind_of_package(path: str, body: bytes) -> None:
    """Beside a wheel, in it, and in source distributions."""
    assert read_license(path, io.BytesIO(body), {}).expression == "MIT"


def zip64(body: bytes) -> bytes:
    """An archive whose true end may be anywhere."""
    end = body.rindex(b"PK\x05\x06")
    return body[:end] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + body[end:]


def long_directory() -> bytes:
    """A wheel whose directory is longer than all that is in it."""
    file = io.BytesIO(wheel(MIT))
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(300):
            member = zipfile.ZipInfo(f"{number}.py")
            member.comment = bytes(60_000)
            archive.writestr(member, b"")
    return file.getvalue()


def long_header() -> bytes:
    """A source distribution that begins with a name of many megabytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("demo-1.0/" + "x" * 20_000_000))
    return file.getvalue()


HUGE = metadata("License-Expression: MIT") + bytes(LARGEST * 64)


@pytest.mark.fault("B08")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("a.whl", b""),
        ("a.whl", b"PK\x05\x06"),
        ("a.whl", wheel(MIT)[:-30]),
        ("a.whl", wheel(HUGE)),
        ("a.whl", wheel(MIT, compression=zipfile.ZIP_LZMA)),
        ("a.whl", wheel(MIT, name="deep/demo-1.0.dist-info/METADATA")),
        ("a.whl", zipped({"a-1.dist-info/METADATA": MIT, "b-1.dist-info/METADATA": MIT})),
        ("a.whl", zip64(wheel(MIT))),
        ("a.whl", long_directory()),
        ("a.tar.gz", b"no archive"),
        ("a.tar.gz", sdist(MIT)[:80]),
        ("a.tar.gz", sdist(HUGE)),
        ("a.tar.gz", sdist(MIT, name="demo-1.0/src/PKG-INFO")),
        ("a.tar.gz", long_header()),
        ("a.whl.metadata", HUGE),
    ],
)
def test_what_cannot_be_read_within_bounds_is_unknown(path: str, body: bytes) -> None:
    """Broken, ambiguous or bombs: nothing is raised, and little memory is taken."""
    tracemalloc.start()
    try:
        said = read_license(path, io.BytesIO(body), {})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert said.expression is None
    assert said.words
    assert peak < 16 * 1024**2
