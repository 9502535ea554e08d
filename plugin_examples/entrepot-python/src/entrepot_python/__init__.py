"""Python package indexes: read the simple API, keep what it says, and publish it again."""
