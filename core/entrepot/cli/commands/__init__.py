"""One command a file; each is imported when it is called, so that the others cost nothing."""
