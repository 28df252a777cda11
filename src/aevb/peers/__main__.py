"""One library's measurements, in a process of its own: ``python -m aevb.peers``."""

import sys

from aevb.peers.measure import work

work(*sys.argv[1:])
