"""Numbers that mean something of their own in rows."""

from __future__ import annotations

from typing import Final

#: `removed` of a row that is still open; four bytes in both databases.
OPEN: Final = 2**31 - 1

#: The realm whose bytes every repository may have; a private repository's realm is its own number.
SHARED: Final = 0

#: Content numbers are given out on PostgreSQL in blocks of so many, one block for each batch.
CONTENT_BLOCK: Final = 2000
