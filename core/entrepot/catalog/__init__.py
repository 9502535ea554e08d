"""What we know, as rows; the only room that knows SQL."""
