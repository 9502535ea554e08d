"""What a stage can promise about a unit to the stages after it."""

from __future__ import annotations

from typing import NewType

#: What holds for every unit behind the stage that gives it. Plugins make their own: `Fact("licences-known")`.
Fact = NewType("Fact", str)

DECLARED = Fact("declared")
ARTIFACTS_QUERIED = Fact("artifacts-queried")
DOWNLOADED = Fact("downloaded")
ARTIFACTS_SAVED = Fact("artifacts-saved")
CONTENTS_QUERIED = Fact("contents-queried")
CONTENT_SAVED = Fact("content-saved")
REMOTES_SAVED = Fact("remotes-saved")
RESOLVED = Fact("resolved")
ASSOCIATED = Fact("associated")
