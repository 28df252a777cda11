"""What the studies of section 7's future work compare."""

HIERARCHY_MODELS = ("one layer, MLP", "hierarchy, MLP", "one layer, conv.", "hierarchy, conv.")
"""Two layers of latent variables and one, with the paper's networks and with convolutions."""
