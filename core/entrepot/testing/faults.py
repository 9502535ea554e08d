"""What may be wrong with an answer of an upstream that was good before."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Answer, Reply, Seen

Fault: TypeAlias = Callable[[Reply], Reply]

_JUNK: Final = b"\x00\xff\xfe{[<junk,>\r\n" * 40


def _refused(status: int) -> Fault:
    return lambda _: Reply(status=status, body=b"not today")


def _cut(reply: Reply, **how: Any) -> Reply:
    return attrs.evolve(reply, honest=False, cut=len(reply.body) // 2, **how)


def _saying(change: Callable[[bytes], bytes]) -> Fault:
    """Other bytes, told as if they were the right ones; the validator is gone."""

    def broken(reply: Reply) -> Reply:
        headers = {name: value for name, value in reply.headers.items() if name.lower() != "etag"}
        return attrs.evolve(reply, honest=False, headers=headers, body=change(reply.body))

    return broken


_ANY: Final[Mapping[str, Fault]] = {
    "gone": _refused(404),
    "failing": _refused(500),
    "cut": _cut,
    "reset": lambda reply: _cut(reply, reset=True),
}

#: How an index may be broken.
INDEX_FAULTS: Final[Mapping[str, Fault]] = {
    **_ANY,
    "forbidden": _refused(403),
    "junk": _saying(lambda _: _JUNK),
    "empty": _saying(lambda _: b""),
}

#: How a file may be broken.
FILE_FAULTS: Final[Mapping[str, Fault]] = {
    **_ANY,
    "short": _saying(lambda body: body[:-1]),
    "flipped": _saying(lambda body: bytes([body[0] ^ 1]) + body[1:]),
}


class FragileOrigin(BadOrigin):
    """An upstream of which single answers can be broken, until they are given anew with `on` or `put`."""

    def __init__(self) -> None:
        super().__init__()
        self._given: list[tuple[str, Answer]] = []

    def on(self, glob: str, *answers: Answer) -> None:
        """Answer as `BadOrigin.on` does, and remember the last of the answers as the good one."""
        self._given.insert(0, (glob, answers[-1]))
        super().on(glob, *answers)

    def damage(self, path: str, fault: Fault) -> None:
        """Let the answer for a path be wrong."""
        request = Seen(method="GET", path=path, headers={}, number=1)
        answer = next(answer for glob, answer in self._given if fnmatch.fnmatchcase(path, glob))
        super().on(path, fault(answer if isinstance(answer, Reply) else answer(request)))
