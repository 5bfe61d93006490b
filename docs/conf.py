"""Sphinx settings."""

from eii import __version__

project = "napari-eii"
author = "the napari-eii developers"
release = __version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Fill the holes of images of any size."}
numpydoc_show_class_members = False
autodoc_typehints = "none"
default_role = "any"
nitpicky = False
suppress_warnings = ["ref.any"]
