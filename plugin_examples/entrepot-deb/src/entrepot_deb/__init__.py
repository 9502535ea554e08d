"""Debian archives: read their control files, and trust what a given key has signed."""
