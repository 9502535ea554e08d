"""The reference page of the configuration: fields and defaults from the code, words from here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs

from entrepot.model.remote import Politeness
from entrepot.settings.combined import CombinedTable
from entrepot.settings.repository_table import RepositoryTable
from entrepot.settings.share import usual_guard
from entrepot.settings.values import AccessTable, Settings
from pieces import code, page, table

DEPOT = {
    "home": "where catalog and storage live unless told otherwise",
    "catalog": "the database, as a URL: `sqlite:///...` or `postgresql+psycopg://...`",
    "storage": "where bytes are kept, as a URL: `file:///...`",
    "blocked": "names of plugins that are not loaded",
    "executor": "where syncs run unless `--executor` says: `local`, `processes`, or what a plugin brings",
    "executors": "options by executor: `[depot.executors.processes]` takes `jobs`, syncs at one time, 2 unless set",
    "stall_timeout": "seconds that a sync may stand still; 0 is for ever, here and below",
    "sync_timeout": "seconds that one sync may take",
    "loop_timeout": "seconds that a plugin may hold the event loop before the process is ended",
    "load_timeout": "seconds that loading one plugin may take",
}
REPOSITORY = {
    "type": "what kind of content: `file`, `python`, or what a plugin brings",
    "url": "the upstream; a type may have one of its own",
    "policy": "when artifacts are fetched: `immediate`, `on_demand` or `streamed`",
    "mirror": "whether a sync also removes what the upstream no longer lists",
    "keep_versions": "how many versions pruning leaves; all when it is not set",
    "on_error": "after a failed unit: `fail` makes no version, `skip` leaves it out, `keep` keeps its predecessor",
    "guard_loss": "the largest share of the latest version that a mirroring sync may remove unconfirmed, or `off`",
    "private": "whether reading needs a token, and bytes are shared with no other repository",
    "pull_through": "whether what is not mirrored is fetched when a client first asks for it, and kept from then on",
    "uploads": "whether files of one's own are taken, by `entrepot upload` and over HTTP; then there is no `url`",
    "upload_token": "the secret that clients have to show which upload over HTTP; without one they cannot",
    "upload_limit": "bytes of one file that is uploaded, at most",
    "read_token": "the token, a secret; without one nobody is shown a private repository",
}
ACCESS = {
    "username": "for basic authentication",
    "password": "for basic authentication",
    "bearer": "a token, sent as `Authorization: Bearer`",
    "headers": "more headers, by name; a value may be a secret",
    "proxy": "the URL of a proxy for this upstream alone",
    "ca_file": "certificates to trust instead of the system's",
    "client_cert": "a certificate to show",
    "client_key": "its key",
    "allow_private": "whether the upstream may be on a private, loopback or link-local address",
    "allow_weak_digests": "whether md5, sha1 or, with policy `immediate`, no digest at all is enough to know bytes by",
}
POLITENESS = {
    "concurrency": "requests at one time",
    "requests_per_second": "most requests in a second",
    "bytes_per_second": "most bytes in a second",
    "connect_timeout": "seconds to wait for a connection",
    "header_timeout": "seconds to wait for the beginning of an answer",
    "total_timeout": "seconds for one whole request",
    "min_throughput": "bytes a second, below which a body is given up on",
    "throughput_window": "seconds over which that is measured",
    "retries": "tries after the first",
    "longest_retry_after": "seconds that the upstream may ask us to wait",
    "largest_metadata": "bytes of a list or index, decoded, above which it is refused",
}
COMBINED = {
    "repositories": "which ones, of one type: what an earlier one has is not had from a later one",
    "read_token": "a secret, to be shown in place of the tokens of private repositories among them",
}
NOT_WRITTEN_HERE = {"file", "repositories", "combined", "name", "options", "plugins", "politeness", "place"}


def settings_page() -> str:
    """Tell every key, its default and its meaning; a key without words here fails the build."""
    return page(
        "Configuration",
        "One TOML file says which repositories there are: `entrepot.toml` in the current folder, what `--config` or"
        " `ENTREPOT_CONFIG` names. `entrepot add` writes it for you and keeps your comments. Unknown keys are errors.",
        "## [depot]",
        _table(Settings, DEPOT),
        "## [repositories.NAME]",
        _table(RepositoryTable, REPOSITORY),
        "Options of the type stand in `[repositories.NAME.options]`, those of another plugin in"
        " `[repositories.NAME.plugins.PLUGIN]`; each plugin checks its own.",
        "### Who we are to the upstream",
        'A secret is never written down: it is `{ env = "NAME" }`, `{ file = "path" }` or'
        ' `{ keyring = "service/user" }`. It is sent to the origin of the URL alone, whatever redirects say.',
        _table(AccessTable, ACCESS),
        "### How hard to ask",
        _table(Politeness, POLITENESS),
        "## [combined.NAME]",
        "Several repositories under one name: see [how to](../../how-to/combine-repositories.md).",
        _table(CombinedTable, COMBINED, but=()),
    )


def _table(cls: type[attrs.AttrsInstance], words: Mapping[str, str], *, but: Collection[str] = NOT_WRITTEN_HERE) -> str:
    fields = [field for field in attrs.fields(cls) if not field.name.startswith("_")]
    keys = {field.name for field in fields}.difference(but)
    if keys != set(words):
        raise SystemExit(f"{__file__}: {cls.__name__} and this page differ in {sorted(keys ^ set(words))}")
    rows = [[code(f.name), _default(f), words[f.name]] for f in fields if f.name in words]
    return table(["key", "default", "meaning"], rows)


def _default(field: attrs.Attribute[Any]) -> str:
    if field.name == "guard_loss":
        return code(f'"{usual_guard()}"')
    match field.default:
        case attrs.NOTHING | None:
            return ""
        case bool(value):
            return code(str(value).lower())
        case str(value):
            return code(f'"{value}"')
        case int(value) | float(value):
            return code(f"{value}")
        case _:
            return "none"
