"""The methods of estimating log p(x), one a file: the settings of each, and its estimate by them.

Without TensorFlow, so that a configuration is refused before any job; what needs it is imported
when an estimate is made. :mod:`~aevb.likelihood.methods.base` says what a method is,
:mod:`~aevb.likelihood.methods.registry` which ones there are.
"""
