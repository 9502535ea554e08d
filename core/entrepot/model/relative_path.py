"""Relative paths: the one place that says which names may come from outside."""

from __future__ import annotations

import re
from typing import Final, NewType

from entrepot.errors import InvalidPath

#: A path that stays below its root; made by `relative_path` alone.
RelativePath = NewType("RelativePath", str)

#: Bytes of a whole path, and of one segment, at most.
LONGEST_PATH: Final = 4096
LONGEST_SEGMENT: Final = 255

#: A text of so few characters is within both limits, whatever they are.
_SURELY_SHORT: Final = LONGEST_SEGMENT // 4

_PLAIN = re.compile(r"(?!\.{1,2}(?:/|$))[^/\x00-\x1f\x7f\\]+(?:/(?!\.{1,2}(?:/|$))[^/\x00-\x1f\x7f\\]+)*")


def relative_path(text: str) -> RelativePath:
    r"""Accept a path below a root, as it is; never rewritten.

    Refused with `InvalidPath`: empty, absolute, a segment that is empty, `.` or `..`, a backslash,
    control characters, anything longer than file systems and clients bear, and text that is not
    Unicode (lone surrogates). Percent signs mean themselves: nothing is decoded.
    """
    if not _PLAIN.fullmatch(text):
        raise InvalidPath(_why(text), remedy="a path is relative, with '/' between names, and stays below its root")
    if len(text) > _SURELY_SHORT and (
        len(text.encode(errors="replace")) > LONGEST_PATH
        or max(len(part.encode(errors="replace")) for part in text.split("/")) > LONGEST_SEGMENT
    ):
        raise InvalidPath(
            f"path {text!r:.80} is too long",
            remedy=f"at most {LONGEST_SEGMENT} bytes for each name and {LONGEST_PATH} in all",
        )
    if not text.isascii():
        _refuse_surrogates(text)
    return RelativePath(text)


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidPath(f"path {text!r:.80} is not Unicode text", remedy="write the path in UTF-8") from error


def _why(text: str) -> str:
    if not text:
        return "a path is empty"
    if text.startswith("/"):
        return f"path {text!r:.80} is absolute"
    if ".." in text.split("/"):
        return f"path {text!r:.80} leaves its root"
    return f"path {text!r:.80} cannot name a file"
