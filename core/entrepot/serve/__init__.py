"""Serving versions over HTTP."""
