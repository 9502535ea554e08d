"""Lets the command line be run as `python -m entrepot`."""

from __future__ import annotations

from entrepot.cli.main import main

if __name__ == "__main__":
    main()
