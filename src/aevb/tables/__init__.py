"""Tables and pages of HTML, made from finished tables, and how tables are read.

Nothing here imports TensorFlow or matplotlib.
"""
