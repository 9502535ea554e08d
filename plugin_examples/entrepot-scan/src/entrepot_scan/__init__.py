"""A scanner before the shelf: run a command on each new file, before it is saved."""
