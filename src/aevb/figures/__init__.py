"""The paper's figures, drawn from tidy tables.

One module a figure, beside :mod:`~aevb.figures.curves` (the tables) and
:mod:`~aevb.figures.style` (the looks). Nothing here imports TensorFlow: a figure can be redrawn,
or its table read, in a second.
"""

import os

# A figure becomes files whatever the environment says: with the backend that a notebook's processes
# inherit, matplotlib cannot even be imported where the notebook's own packages are missing.
os.environ["MPLBACKEND"] = "agg"
