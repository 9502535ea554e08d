"""The stages of a sync, one a file; none knows another."""
