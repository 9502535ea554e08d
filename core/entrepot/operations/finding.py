"""One thing that a check found."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from entrepot.errors import EntrepotError


@attrs.frozen
class Finding:
    """What was looked at, whether it is fit, and what to do when it is not."""

    subject: str
    state: Literal["ok", "note", "bad"]
    what: str
    remedy: str = ""

    @classmethod
    def of(cls, subject: str, error: EntrepotError) -> Finding:
        """An error that whoever used the thing would have met."""
        return cls(subject, "bad", f"{error.what} ({error.where})" if error.where else error.what, error.remedy)

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {"event": "finding", **attrs.asdict(self)}
