"""What an earlier run noted of a project's page, to know it when it comes again."""

from __future__ import annotations

import hashlib

import attrs
import msgspec

from entrepot.plugin import Download, Validator
from entrepot_python.pages import is_json
from entrepot_python.project_page import ListedFile, ProjectPage


@attrs.frozen(kw_only=True)
class Noted:
    """How to ask conditionally, the page's digest, and, of a page in JSON, what HTML could say of it too.

    Some caches before an index answer in HTML what was asked for in JSON, now and then. HTML knows
    neither sizes nor upload times: where all that it says is known already, there is no news in it.

    `serial` is the index's count of changes that the page was of; `asked` is which versions were
    asked for, as files that say so may change while the configuration does not.
    """

    validator: Validator | None = None
    sha256: str | None = None
    in_html: str | None = None
    asked: str = ""
    serial: int | None = None

    def dump(self) -> str:
        serial = "" if self.serial is None else str(self.serial)
        validator = "" if self.validator is None else self.validator.dump()
        return "\n".join((self.sha256 or "", self.in_html or "", self.asked, serial, validator))

    @classmethod
    def of(cls, page: Download, read: ProjectPage, asked: str) -> Noted:
        """What to note of a page that was read."""
        return cls(
            validator=page.validator,
            sha256=page.digests["sha256"],
            in_html=said_in_html(read) if is_json(page) else None,
            asked=asked,
            serial=read.serial,
        )

    @classmethod
    def load(cls, text: str | None, asked: str) -> Noted:
        """Read it back; what was noted when other versions were asked for is worth nothing."""
        sha256, in_html, before, serial, validator = ((text or "") + "\n\n\n\n").split("\n", 4)
        if text is None or before != asked:
            return cls()
        return cls(
            validator=Validator.load(validator.strip("\n") or None),
            sha256=sha256,
            in_html=in_html or None,
            asked=asked,
            serial=int(serial) if serial else None,
        )


def said_in_html(page: ProjectPage) -> str:
    """Digest the part of a page that HTML can say as well as JSON."""
    files = sorted(
        (file.filename, file.hashes.get("sha256", ""), file.requires_python or "", str(file.yanked))
        for file in page.entries
        if isinstance(file, ListedFile)
    )
    return hashlib.sha256(msgspec.json.encode(files)).hexdigest()
