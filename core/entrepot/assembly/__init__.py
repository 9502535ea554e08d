"""From "sync this" to a checked plan, and through it to a version."""
