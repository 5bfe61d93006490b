"""Weights of the network that finds defects."""
