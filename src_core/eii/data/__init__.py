"""Packaged images with real defects, and their holes."""
