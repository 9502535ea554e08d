"""The plan of a sync before anybody edits it."""

from __future__ import annotations

import pytest

from entrepot.assembly.default_plan import default_plan
from entrepot.errors import UnmetNeed
from entrepot.pipeline.check import check
from entrepot.plugin import ContentAssociation, Stage, facts, remove, replace


class Lines(Stage):
    """Declare nothing."""

    async def run(self) -> None:
        return


class OtherAssociation(Lines):
    """Associate in a way of its own."""

    needs = frozenset({facts.CONTENT_SAVED})
    gives = frozenset({facts.ASSOCIATED})


@pytest.mark.parametrize("mirror", [True, False])
def test_a_sync_that_would_associate_nothing_is_refused(mirror: bool) -> None:
    """It would end well, and no version would ever come of it; whoever associates otherwise says so."""
    plan = default_plan(Lines(), plugin="lines", mirror=mirror)
    check(plan)
    check(plan.edited({"other": [replace(ContentAssociation, OtherAssociation())]}))

    with pytest.raises(UnmetNeed, match="plugin 'dry-run' took away stage 'ContentAssociation'") as raised:
        check(plan.edited({"dry-run": [remove(ContentAssociation)]}))
    assert "--block dry-run" in raised.value.remedy
