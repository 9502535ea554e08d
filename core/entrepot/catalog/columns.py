"""What all tables are made with: metadata, and types that databases name apart."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Integer, MetaData, Text

metadata: Final = MetaData()

# Bytes decide the order of text in both databases, as they do in Python.
NAME: Final = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
