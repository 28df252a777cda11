"""The audit: each claim of the paper as a check on finished tables, and whether a record is whole.

Nothing here imports TensorFlow.
"""
