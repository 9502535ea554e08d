"""The kit: what entrepot tests itself with, for everyone who writes a plugin.

Beside these names it has contracts, to be subclassed in a test module: `stage_contract`,
`first_stage_contract`, `publisher_contract`, `storage_contract`, `durable_storage_contract`,
`downloader_contract` and `executor_contract`, what hypothesis needs in `strategies`, and fixtures in
`pytest_plugin`. They need pytest and hypothesis: install `entrepot[testing]`.
"""

from __future__ import annotations

from entrepot.operations.sync import Confirmed, retry_failed, sync
from entrepot.operations.upload import upload_files
from entrepot.operations.withdraw import withdraw_files
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply, Seen
from entrepot.testing.clock import Clock
from entrepot.testing.depots import OpenDepot, depot
from entrepot.testing.invariants import check_depot, snapshot
from entrepot.testing.run_stage import run_stage
from entrepot.testing.running import running
from entrepot.testing.serving import served

__all__ = [
    "BadOrigin",
    "Clock",
    "Confirmed",
    "OpenDepot",
    "Reply",
    "Seen",
    "check_depot",
    "depot",
    "retry_failed",
    "run_stage",
    "running",
    "served",
    "snapshot",
    "sync",
    "upload_files",
    "withdraw_files",
]
