"""A licence gate: label packages with their SPDX expression, and allow or deny by it."""
