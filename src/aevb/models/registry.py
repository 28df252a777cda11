"""The networks by name. Needs no TensorFlow."""

ARCHITECTURES = {
    "mlp": "aevb.models.vae:VAE",
    "deep_decoder": "aevb.models.deep_decoder:DeepDecoder",
}
"""Module and class of each :class:`~aevb.models.architecture.Architecture`. It is made with those
settings of an experiment, and those facts of its images, that it has a field for."""
