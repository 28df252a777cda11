"""Estimators of the marginal likelihood log p(x) of a trained model (Appendix D and beyond).

:mod:`~aevb.likelihood.methods` has the settings of each, which make estimates by the modules here:

- :mod:`~aevb.likelihood.harmonic`: the paper's own (Appendix D), from posterior samples;
- :mod:`~aevb.likelihood.importance`: importance sampling from the encoder;
- :mod:`~aevb.likelihood.ais`: annealed importance sampling, forward and backward;
- :mod:`~aevb.likelihood.quadrature`: the integral itself, for up to three latent dimensions.
"""
