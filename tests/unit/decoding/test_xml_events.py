"""XML from outside: no document type, no reference, no depth, and no tag without an end."""

from __future__ import annotations

import io
import resource
import socket
from collections import deque
from pathlib import Path

import pytest

from entrepot.decoding.limits import BeyondLimits
from entrepot.decoding.xml_events import XmlBegun, XmlEnded, XmlEvent, XmlLimits, XmlText, bounded_xml
from entrepot.errors import InvalidMetadata

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">%b]><a>&j;</a>""" % b"".join(
    b'<!ENTITY %c "%b">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghij"
)


def read(text: bytes, limits: XmlLimits | None = None) -> list[XmlEvent]:
    """All that a text holds."""
    return list(bounded_xml(io.BytesIO(text), limits=limits, where="the index"))


def test_elements_come_in_their_order() -> None:
    """With their namespaces written out."""
    events = read(b'<r xmlns="urn:x"><p name="a">t&amp;x</p></r>')

    assert events[:2] == [XmlBegun("urn:x r", {}), XmlBegun("urn:x p", {"name": "a"})]
    assert "".join(event.text for event in events if isinstance(event, XmlText)) == "t&x"
    assert events[-2:] == [XmlEnded("urn:x p"), XmlEnded("urn:x r")]


@pytest.mark.fault("B10")
@pytest.mark.promise("P33")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "document type"),
        (b'<!DOCTYPE a [<!ENTITY a "%b">]><a>%b</a>' % (b"x" * 50_000, b"&a;" * 50_000), "document type"),
        (b"<a>" * 100_000, "64 levels"),
        (b"<a " + b" ".join(b'a%d=""' % number for number in range(1_000_000)) + b"/>", "tag of more than"),
        (b"<a " + b" ".join(b'a%d=""' % number for number in range(1_000)) + b"/>", "200 attributes"),
        (b'<a b="' + b"x" * 5_000_000, "tag of more than"),
        (b"<a><!--" + b"x" * 5_000_000, "tag of more than"),
        (b'<a xmlns="' + b"x" * 5_000 + b'"/>', "namespace of more than 1024"),
        (b"<a>" + b"".join(b"<a%d/>" % number for number in range(200_000)) + b"</a>", "10000 different names"),
    ],
    ids=[
        "laughs",
        "quadratic",
        "deep",
        "million-attributes",
        "thousand-attributes",
        "endless-tag",
        "endless-comment",
        "namespace",
        "names",
    ],
)
def test_a_bomb_is_refused_at_its_limit(text: bytes, told: str) -> None:
    """What is allowed is said; what declares entities is refused before it can use them."""
    with pytest.raises(InvalidMetadata, match=told) as caught:
        read(text)

    assert caught.value.where == "the index"
    assert told == "document type" or isinstance(caught.value, BeyondLimits)


@pytest.mark.fault("B11")
@pytest.mark.promise("P33")
@pytest.mark.parametrize("how", ["entity", "parameter", "type", "include"])
@pytest.mark.parametrize("where", ["file", "loopback"])
def test_nothing_elsewhere_is_opened(tmp_path: Path, how: str, where: str) -> None:
    """Neither a file nor a listener on loopback is asked; XInclude is an element without a meaning."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        secret = tmp_path / "secret"
        secret.write_text("canary")
        at = secret.as_uri() if where == "file" else f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        texts = {
            "entity": f'<!DOCTYPE a [<!ENTITY x SYSTEM "{at}">]><a>&x;</a>',
            "parameter": f'<!DOCTYPE a [<!ENTITY % x SYSTEM "{at}"> %x;]><a/>',
            "type": f'<!DOCTYPE a SYSTEM "{at}"><a/>',
            "include": f'<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{at}" parse="text"/></a>',
        }

        if how == "include":
            assert not any(isinstance(event, XmlText) for event in read(texts[how].encode()))
        else:
            with pytest.raises(InvalidMetadata, match="document type"):
                read(texts[how].encode())

        with pytest.raises(BlockingIOError):
            listener.accept()


def test_memory_does_not_grow_with_the_file() -> None:
    """A hundred thousand elements of a text that is made while it is read."""

    class Endless(io.RawIOBase):
        left = 150

        def read(self, _: int = -1) -> bytes:
            self.left -= 1
            return b"<a>" if self.left == 149 else b"" if self.left < 0 else b"<p n='x'>text</p>" * 1_000

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(InvalidMetadata, match="no element found"):
        deque(bounded_xml(Endless()), maxlen=0)  # type: ignore[arg-type]  # all that is asked of it is read

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024
