"""``python -m eii.cli``."""

from eii.cli import main

main()
