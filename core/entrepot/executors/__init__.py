"""Where syncs run: in this process, or in workers of their own."""
