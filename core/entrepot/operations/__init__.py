"""What one can do with a depot: one verb a file."""
