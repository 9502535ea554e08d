"""The kit: what entrepot tests itself with, for everyone who writes a plugin."""
