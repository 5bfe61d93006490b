"""Weights that ship, each with its card: what it is, how it was made, what it measures."""
