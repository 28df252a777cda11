"""What §2.1 promises of a trained model: representation, denoising, inpainting, super-resolution,
and telling what is unlike the data.

Each is done twice where inference is at issue: with the encoder, which is quick and approximate,
and by Hamiltonian Monte Carlo on the posterior of z given what was observed, which is slow and as
exact as it is long.
"""
