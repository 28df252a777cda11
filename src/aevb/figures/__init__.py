"""The paper's figures, drawn from tidy tables.

One module a figure, with a function ``make`` that gives the picture and the tables with it and,
where the paper says something of it, one ``finding`` that tells what we show; the entry is in
:mod:`aevb.catalogue`. The looks are in :mod:`~aevb.figures.style`, what is read in
:mod:`aevb.tables`. Nothing here imports TensorFlow: a figure can be redrawn in a second.
"""

import os

# A figure becomes files whatever the environment says: with the backend that a notebook's processes
# inherit, matplotlib cannot even be imported where the notebook's own packages are missing.
os.environ["MPLBACKEND"] = "agg"
