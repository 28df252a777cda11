"""The latent explorer: one HTML page on which a person moves through a 2-D latent space.

:func:`~aevb.explorer.build.build` puts trained decoders, the encoder's projection of the images
and the test bounds into ``template.html``. The page loads nothing else, and nothing here imports
TensorFlow: the page is made in a second, and computes the decoder itself.
"""
