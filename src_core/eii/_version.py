"""The version, where the package finds it without reading its own metadata."""

__version__ = "0.1.0"
