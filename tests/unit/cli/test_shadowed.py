"""What repositories of a combination hide of each other, as a person sees it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from shell import Shell
from unit.serve import shelf


def stock(folder: Path, *paths: str) -> str:
    """Lay out an upstream in a folder: the address of its feed."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{folder.name} {path}")
    feed = folder / "feed.json"
    feed.write_text(json.dumps([shelf.entry(path, f"{folder.name} {path}".encode()) for path in paths]))
    return feed.as_uri()


@pytest.fixture
def combined(shell: Shell) -> Shell:
    """A shell where three repositories are combined, and two of them are synced."""
    shell.plugins.append(("shelf", shelf))
    urls = {
        "ours": stock(shell.folder / "a", "boxes/tools/label", "boxes/tools/1", "boxes/glue/label", "readme"),
        "public": stock(shell.folder / "b", "boxes/tools/label", "boxes/tools/9", "boxes/paint/label", "readme"),
        "wide": stock(shell.folder / "c", "boxes/tools/label", "boxes/paint/label", "licence"),
    }
    tables = [f'[repositories.{name}]\ntype = "shelf"\nurl = "{url}"\n' for name, url in urls.items()]
    assert shell("init").code == 0
    text = shell.configuration.read_text()
    combination = '[combined.all]\nrepositories = ["ours", "public", "wide"]\n'
    shell.configuration.write_text("\n".join([text, *tables, combination]))
    assert shell("sync", "ours", "public").code == 0
    return shell


@pytest.mark.promise("P36")
def test_what_is_had_from_one_though_others_have_it_is_told(combined: Shell) -> None:
    """Group by group, each with who answers for it; what tells of everything is hidden by nobody."""
    assert combined("sync", "wide").code == 0

    told = [(row["path"], row["by"], row["of"]) for row in combined("--json", "shadowed", "all").lines]
    said = combined("shadowed", "all").out.splitlines()
    cut = combined("shadowed", "all", "--limit", "1").out.splitlines()

    assert told == [
        ("boxes/tools/label", "ours", ["public", "wide"]),
        ("plain.txt", "ours", ["public", "wide"]),
        ("readme", "ours", ["public"]),
        ("boxes/paint/label", "public", ["wide"]),
    ]
    assert said[0] == "  boxes/tools/label  from ours, and not from public, wide"
    assert len(said) == 4
    assert (len(cut), cut[1]) == (2, "and more; --limit 10 shows more of them")


def test_what_is_not_known_is_not_said(combined: Shell) -> None:
    """Before each repository has a version; of a name that combines nothing; and of none that have the same."""
    unsynced = combined("shadowed", "all")
    unknown = combined("shadowed", "ours")
    text = combined.configuration.read_text()
    combined.configuration.write_text(text.replace('["ours", "public", "wide"]', '["ours"]'))

    assert unsynced.code == 2
    assert "entrepot sync wide" in unsynced.err
    assert (unknown.code, "there is no combination 'ours'" in unknown.err) == (2, True)
    assert combined("shadowed", "all").out == "no two of ours have the same\n"


def test_combinations_are_seen_at_a_glance(combined: Shell) -> None:
    """Status says in which order they are asked; a command that takes a repository names those."""
    rows = [row for row in combined("--json", "status").lines if row["event"] == "combined"]
    said = combined("status").out
    refused = combined("sync", "all")

    assert combined("sync", "wide").code == 0
    (synced,) = [row for row in combined("--json", "status").lines if row["event"] == "combined"]

    order = {"repositories": ["ours", "public", "wide"], "type": "shelf", "private": False}
    assert rows == [{"event": "combined", "name": "all", **order, "shadowed": None}]
    assert said.splitlines()[-1] == "all: served from ours, then public, then wide"
    assert synced["shadowed"] == 4
    assert "; 4 had from one though others have them: entrepot shadowed all" in combined("status").out
    assert (refused.code, "'all' combines these: ours, public, wide" in refused.err) == (2, True)


def test_the_doctor_says_whether_a_combination_can_be_served(combined: Shell) -> None:
    """To anybody: of types that cannot be combined, and of tokens that no client can show together, it says why not."""
    text = combined.configuration.read_text()

    def found() -> tuple[str, str]:
        lines = combined("--json", "doctor").lines
        (finding,) = [line for line in lines if line.get("subject") == "combination all"]
        return finding["state"], finding["what"]

    assert found() == ("ok", "served from ours, then public, then wide")

    combined.environ.update(FIRST="sesame", SECOND="open")
    locked = "private = true\nread_token = "
    for name, variable in (("ours", "FIRST"), ("public", "SECOND")):
        text = text.replace(f"[repositories.{name}]", f'[repositories.{name}]\n{locked}{{ env = "{variable}" }}')
    combined.configuration.write_text(text)
    assert found()[0] == "note"

    combined.configuration.write_text(text.replace('type = "shelf"', 'type = "firmware"'))
    state, what = found()
    assert (state, "repositories of type 'firmware' cannot be served as one" in what) == ("bad", True)


def test_a_combination_is_written_where_it_can_be_served(combined: Shell) -> None:
    """Comments and order stay; what would be refused later is refused here, and nothing is written then."""
    assert combined("add", "images", "--type", "firmware", "--url", "file:///images/index.json").code == 0
    text = combined.configuration.read_text()

    refused = [
        combined("combine", *words).code
        for words in (("all", "ours"), ("more", "ours", "wid"), ("only", "images"), ("A", "ours"), ("ours", "wide"))
    ]
    assert (refused, combined.configuration.read_text()) == ([2] * 5, text)

    done = combined("--json", "combine", "both", "public", "ours")
    (line,) = done.lines
    written = combined.configuration.read_text()

    order = {"repositories": ["public", "ours"], "type": "shelf", "private": False, "shadowed": None}
    assert (done.code, line) == (0, {"event": "combined", "name": "both", **order})
    assert written.startswith(text.rstrip("\n"))
    assert tomllib.loads(written)["combined"]["both"] == {"repositories": ["public", "ours"]}
    assert "; 3 had from one though others have them: entrepot shadowed both" in combined("status").out
