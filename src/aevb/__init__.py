"""A reproducible replication of *Auto-Encoding Variational Bayes* (arXiv 1312.6114 v10)."""

__version__ = "0.1.0"
