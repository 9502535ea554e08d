"""Takes files that clients upload, by the form that twine and uv send (the legacy upload API)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from entrepot.depot.uploading import upload
from entrepot.errors import ConfigurationError, EntrepotError, Refused, RepositoryBusy
from entrepot.model.artifact import Artifact
from entrepot.model.upload import PathTaken, Unacceptable, Upload
from entrepot.serve.access import shows
from entrepot.serve.refusals import one_line
from entrepot.serve.target import parse_target

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.model.incoming import Incoming, Received

#: Where a repository takes uploads.
_PATHS: Final = ("upload/", "upload")

#: Seconds that a client waits for whoever else writes to the repository.
PATIENCE: Final = 30.0

#: Bytes that are read at a time; of one field, of all of them, and of their number: forms have a tenth.
_PIECE: Final = 256 * 1024
_LONGEST_FIELD, _LONGEST_FIELDS, _MOST_FIELDS = 256 * 1024, 4 * 1024**2, 2000

#: Digests of a form, and what computes them; a storage has SHA-256 by itself.
_DIGESTS: Final[Mapping[str, Callable[[], Any]]] = {
    "md5_digest": lambda: hashlib.md5(usedforsecurity=False),
    "blake2_256_digest": lambda: hashlib.blake2b(digest_size=32),
}

_AGAIN: Final = "10"


_BUSY: Final = 503


class TooLarge(Unacceptable):
    """More came in than a repository takes."""


#: The first class that fits gives the status; what is none of these is trouble of our own.
_STATUS: Final[Mapping[type[EntrepotError], int]] = {
    TooLarge: 413,
    PathTaken: 409,
    Unacceptable: 400,
    Refused: 400,
    ConfigurationError: 400,
    RepositoryBusy: _BUSY,
}


@attrs.frozen
class Uploads:
    """Answers POST at NAME/upload/, for who shows the repository's token.

    The token is looked at before the body is. What came in is streamed to the storage, verified
    against what the form says of it, and is a version of the repository when the answer is 200.
    """

    _depot: Depot

    def are_at(self, request: web.Request) -> bool:
        """Whether a request wants to upload."""
        return request.method == "POST" and request.rel_url.raw_path.endswith(tuple(f"/{path}" for path in _PATHS))

    async def answer(self, request: web.Request) -> web.Response:
        """Take one file; every refusal is a line that says why, also in the reason, which clients print."""
        target = parse_target(request.rel_url.raw_path)
        if target.name in self._depot.settings.combined and target.path in _PATHS:
            return _refused(404, "a combination takes no uploads: upload to the repository that is to have the file")
        configured = self._depot.settings.repositories.get(target.name)
        if configured is None or target.at is not None or target.path not in _PATHS or not configured.uploads:
            return _refused(404, "no repository takes uploads here")
        turned_away = await self._turn_away(request, target.name)
        if turned_away is not None:
            return turned_away
        try:
            return await self._take(request, target.name, configured.upload_limit)
        except (ValueError, HttpProcessingError, web.RequestPayloadError) as error:  # what aiohttp says of such bodies
            return _refused(400, f"this is no form with a file: {error!s:.100}")
        except tuple(_STATUS) as error:
            status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
            remedy = f"; {error.remedy}" if error.remedy else ""
            return _refused(status, f"{error.what}{remedy}", **({"Retry_After": _AGAIN} if status == _BUSY else {}))

    async def _turn_away(self, request: web.Request, name: str) -> web.Response | None:
        token = await asyncio.to_thread(lambda: self._depot.settings.repository(name).upload_token)
        if token is None:
            return _refused(403, "this repository has no upload_token, and takes files by entrepot upload alone")
        header = request.headers.get("Authorization", "")
        if not header:
            return _refused(401, "an upload needs the repository's token", WWW_Authenticate='Basic realm="entrepot"')
        return None if shows(header, token.reveal()) else _refused(403, "this token may not upload here")

    async def _take(self, request: web.Request, name: str, limit: int) -> web.Response:
        if (request.content_length or 0) > limit + _LONGEST_FIELDS:
            raise _too_large(limit)
        if not request.content_type.startswith("multipart/"):
            raise Unacceptable(f"it is {request.content_type!r:.80} and no form with a file")
        form = _Form(self._depot.storage.receive(Artifact()), limit)
        try:
            await form.read(await request.multipart())
            one = Upload(filename=form.filename, received=await asyncio.to_thread(form.finish), fields=form.fields)
        finally:
            form.incoming.discard()
        done = await upload(self._depot, name, [one], patience=PATIENCE)
        made = f"it is in version {done.version.number}" if done.version is not None else "it is there already"
        return one_line(200, f"{one.filename}: {made}")


class _Form:
    """A form that is being read: its fields, and one file, which goes to the storage as it comes."""

    def __init__(self, incoming: Incoming, limit: int) -> None:
        self.incoming = incoming
        self.fields: dict[str, list[str]] = {}
        self.filename = ""
        self._limit = limit
        self._left = _LONGEST_FIELDS
        self._digests = {name: make() for name, make in _DIGESTS.items()}

    async def read(self, parts: MultipartReader) -> None:
        """Read all of it; what breaks the form's rules is `Unacceptable`."""
        count = 0
        while (part := await parts.next()) is not None:
            count += 1
            if count > _MOST_FIELDS or not isinstance(part, BodyPartReader):
                raise Unacceptable(f"the form has more than {_MOST_FIELDS} fields, or fields with parts of their own")
            if part.name == "content":
                await self._read_file(part)
            else:
                self.fields.setdefault(part.name or "", []).append(await self._read_field(part))
        for field, expected in ((":action", "file_upload"), ("protocol_version", "1")):
            if self.fields.get(field) != [expected]:
                raise Unacceptable(f"its field {field} is not {expected!r}")
        if not self.filename:
            raise Unacceptable("the form has no file: its field content is missing")

    def finish(self) -> Received:
        """Hold the file to what the form says of it."""
        received = self.incoming.finish()
        found = {name: digest.hexdigest() for name, digest in self._digests.items()}
        found["sha256_digest"] = received.sha256.hex()
        for name, digest in found.items():
            said = [value.lower() for value in self.fields.get(name, []) if value]
            if said not in ([], [digest]):
                received.discard()
                raise Unacceptable(
                    f"the file was damaged on its way: its {name} is {digest}, and the form says another"
                )
        return received

    async def _read_field(self, part: BodyPartReader) -> str:
        value = b""
        while piece := await part.read_chunk(_PIECE):
            value += piece
            self._left -= len(piece)
            if len(value) > _LONGEST_FIELD or self._left < 0:
                raise TooLarge(f"the field {part.name!r:.80} of the form is too long")
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise Unacceptable(f"the field {part.name!r:.80} of the form is not in UTF-8") from error

    async def _read_file(self, part: BodyPartReader) -> None:
        if self.filename or not part.filename:
            raise Unacceptable("the form has to have one file, with a name")
        self.filename = part.filename
        while piece := await part.read_chunk(_PIECE):
            if self.incoming.written + len(piece) > self._limit:
                raise _too_large(self._limit)
            await asyncio.to_thread(self._write, bytes(piece))

    def _write(self, piece: bytes) -> None:
        self.incoming.write(piece)
        for digest in self._digests.values():
            digest.update(piece)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"it is larger than {limit} bytes, which is all that this repository takes")


def _refused(status: int, text: str, **headers: str) -> web.Response:
    answer = one_line(status, text, **headers)
    reason = " ".join(text.split())[:200]
    answer.set_status(status, reason.encode("ascii", "replace").decode())
    return answer
