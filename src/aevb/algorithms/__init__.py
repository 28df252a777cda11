"""The learning algorithms. Each has ``init(seeds, step_sizes) -> State`` and
``step(state, batch, seeds) -> State, Info``, pure functions that work on a leading member axis E:
several seeds or step sizes at once. Those with an encoder have ``lower_bound(parameters, x, keys)``
as well. ``objective`` is the name of what they ascend. :mod:`~aevb.algorithms.settings` says what
each can be told, :mod:`~aevb.algorithms.registry` which class it is."""
