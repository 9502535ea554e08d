"""Reading what an upstream compressed or wrote, with an end to how much that may be."""
