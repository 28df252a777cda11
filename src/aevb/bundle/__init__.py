"""Training runs in one file, for a machine that has JAX and no TensorFlow.

A bundle holds what a set of runs needs: their programs as StableHLO, data, schedule, and the
checkpoints that they go on from. ``aevb export`` writes one (:mod:`aevb.bundle.exporting`),
``python -m aevb.bundle run`` trains what is in it with numpy, jax and safetensors alone
(:mod:`aevb.bundle.running`), and ``aevb import`` brings the results home
(:mod:`aevb.bundle.importing`).
"""
