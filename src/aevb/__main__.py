"""``python -m aevb`` is the command line."""

import sys

from aevb.process import fork_server

fork_server.hand_over(sys.argv[1:])

from aevb.cli import main  # noqa: E402
from aevb.process.ending import run_to_the_end  # noqa: E402

run_to_the_end(main)
