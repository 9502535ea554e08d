"""A cooling-off time: what was published only lately is held back until others have had a look at it."""
