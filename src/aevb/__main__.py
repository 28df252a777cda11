"""``python -m aevb`` is the command line."""

from aevb.cli import main

main()
