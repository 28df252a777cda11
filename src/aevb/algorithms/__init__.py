"""The learning algorithms: pure functions on an explicit state, with a leading member axis E, so
that several seeds or step sizes are learned at once. :mod:`~aevb.algorithms.settings` has what is
known of each without TensorFlow, :mod:`~aevb.algorithms.state` what each consists of."""
