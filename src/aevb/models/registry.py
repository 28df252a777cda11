"""The networks by name. Needs no TensorFlow."""

ARCHITECTURES = {
    "mlp": "aevb.models.vae:VAE",
    "deep_decoder": "aevb.models.deep_decoder:DeepDecoder",
}
"""Module and class of each :class:`~aevb.models.architecture.Architecture`. It is made with those
settings of an experiment, and those facts of its images, that it has a field for."""

TANH_DECODERS = {
    "mlp": ("hidden", "output"),
    "deep_decoder": ("first", "mlp/hidden", "mlp/output"),
}
"""Of those whose decoder is layers with tanh between two of them: their layers, from z to the
pixels, by the names of their weights and biases. The latent explorer computes these."""
