"""Mirror package repositories into immutable, numbered versions."""
