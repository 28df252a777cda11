"""Generative models and their recognition models (Appendix C), as TFP distributions."""
