"""Compressed files are read to their limit, and not a byte further."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from entrepot.decoding.compressed import bounded_decode
from entrepot.decoding.decompressors import Compression
from entrepot.decoding.limits import BeyondLimits
from entrepot.errors import ConfigurationError, InvalidMetadata
from source_tree import ROOT

FORMS: dict[Compression, Callable[[bytes], bytes]] = {
    "bzip2": bz2.compress,
    "gzip": gzip.compress,
    "lzma": functools.partial(lzma.compress, format=lzma.FORMAT_ALONE),
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}
EVERY_FORM = pytest.mark.parametrize("form", FORMS)
MIB = 1024 * 1024
TEXT = b"".join(b"line %d of an index\n" % number for number in range(50_000))

PEAK = """
import resource, sys
from pathlib import Path
from entrepot.decoding.compressed import bounded_decode
from entrepot.decoding.limits import BeyondLimits
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    with bounded_decode(Path(sys.argv[1]), sys.argv[2], ratio=1_000_000_000, limit=512 * 1024 * 1024) as decoded:
        while decoded.read(65536):
            pass
except BeyondLimits:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def decoded(path: Path, form: Compression, **limits: int) -> bytes:
    """All that a file decodes to."""
    with bounded_decode(path, form, **limits) as stream:
        return stream.read()


@EVERY_FORM
@pytest.mark.parametrize("members", [1, 3])
def test_what_was_compressed_comes_out_as_it_was(tmp_path: Path, form: Compression, members: int) -> None:
    """Members that were written one behind the other are one text, as the tools have it."""
    file = tmp_path / "index"
    file.write_bytes(FORMS[form](TEXT) * members)

    assert decoded(file, form) == TEXT * members


@EVERY_FORM
def test_lines_come_without_the_whole(tmp_path: Path, form: Compression) -> None:
    """A reader takes what it wants and leaves."""
    file = tmp_path / "index"
    file.write_bytes(FORMS[form](TEXT))

    with bounded_decode(file, form) as stream:
        assert next(stream) == b"line 0 of an index\n"


@EVERY_FORM
def test_the_limit_itself_is_allowed_and_no_byte_more(tmp_path: Path, form: Compression) -> None:
    """The error says the limit."""
    file = tmp_path / "index"
    file.write_bytes(FORMS[form](TEXT))

    assert decoded(file, form, limit=len(TEXT)) == TEXT
    with pytest.raises(BeyondLimits, match=f"more than {len(TEXT) - 1} bytes"):
        decoded(file, form, limit=len(TEXT) - 1)


@pytest.mark.fault("B09")
@pytest.mark.promise("P33")
@EVERY_FORM
def test_a_bomb_is_left_at_its_ratio(tmp_path: Path, form: Compression) -> None:
    """Many gigabytes of nothing in a small file: given up on soon after 64 MiB, whatever is allowed."""
    file = tmp_path / "bomb"
    file.write_bytes(FORMS[form](bytes(16 * MIB)) * 640)
    given: list[int] = []

    with bounded_decode(file, form) as stream, pytest.raises(BeyondLimits, match="more than 200 times its size"):
        given.extend(map(len, iter(functools.partial(stream.read, 65536), b"")))

    assert 63 * MIB < sum(given) < 66 * MIB


@pytest.mark.fault("B09")
@pytest.mark.promise("P27", "P33")
@pytest.mark.parametrize("form", ["gzip", "xz", "zstd"])  # lzma is read as xz is, and bzip2 in blocks of 900 kB
def test_a_bomb_takes_no_memory(tmp_path: Path, form: Compression) -> None:
    """Half a gigabyte passes through a process that grows by little."""
    file = tmp_path / "bomb"
    file.write_bytes(FORMS[form](bytes(64 * MIB)) * 9)

    command = [sys.executable, "-c", PEAK, str(file), form]
    environment = {"PYTHONPATH": f"{ROOT / 'core'}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)

    assert int(done.stdout) < 40 * 1024


@pytest.mark.fault("B09")
@pytest.mark.parametrize("form", ["xz", "zstd"])
def test_a_dictionary_of_gigabytes_is_not_made(tmp_path: Path, form: Compression) -> None:
    """What a file's head asks for is refused before it is given."""
    file = tmp_path / "greedy"
    if form == "xz":
        made = bytearray(lzma.compress(TEXT))
        made[16] = 40  # a dictionary of 4 GiB
        made[20:24] = struct.pack("<I", zlib.crc32(made[12:20]))
        file.write_bytes(made)
    else:
        window_of_2_gib = bytes([21 << 3])
        file.write_bytes(b"\x28\xb5\x2f\xfd\x00" + window_of_2_gib + b"\x01\x00\x00")

    with pytest.raises(BeyondLimits, match="more memory"):
        decoded(file, form)


@EVERY_FORM
def test_one_layer_is_taken_off(tmp_path: Path, form: Compression) -> None:
    """A compressed file in a compressed file is bytes like any other."""
    inner = FORMS[form](TEXT)
    file = tmp_path / "nested"
    file.write_bytes(FORMS[form](inner))

    assert decoded(file, form) == inner


@EVERY_FORM
@pytest.mark.parametrize("what", ["nothing", "cut", "flipped", "foreign", "more"])
def test_what_is_broken_is_told(tmp_path: Path, form: Compression, what: str) -> None:
    """It never passes for a shorter file."""
    whole = FORMS[form](TEXT)
    middle = len(whole) // 2
    broken = {
        "nothing": b"",
        "cut": whole[:-1],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        "foreign": b"<html>this is an error page</html>",
        "more": whole + b"something else entirely",
    }
    file = tmp_path / "index"
    file.write_bytes(broken[what])

    with pytest.raises(InvalidMetadata) as caught:
        decoded(file, form)

    assert str(file) in caught.value.where
    assert caught.value.remedy


def test_padding_behind_the_end_is_no_member(tmp_path: Path) -> None:
    """Zeros as tapes leave them, however many."""
    file = tmp_path / "index"
    file.write_bytes(gzip.compress(TEXT) + bytes(200_000))

    assert decoded(file, "gzip") == TEXT


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of zstd is needed by who never meets it."""
    if sys.version_info >= (3, 14):
        pytest.skip("the standard library decodes zstd from 3.14 on")
    monkeypatch.setitem(sys.modules, "zstandard", None)

    with pytest.raises(ConfigurationError) as caught:
        bounded_decode(tmp_path / "index", "zstd")

    assert "entrepot[zstd]" in caught.value.remedy
