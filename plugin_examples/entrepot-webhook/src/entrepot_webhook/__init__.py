"""Webhooks: tells a receiver, signed, what became of each sync, and keeps what could not be told."""
