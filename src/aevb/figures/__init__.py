"""The paper's figures, drawn from tidy tables.

One module a figure, beside :mod:`~aevb.figures.curves` (the tables) and
:mod:`~aevb.figures.style` (the looks). Nothing here imports TensorFlow: a figure can be redrawn,
or its table read, in a second.
"""
