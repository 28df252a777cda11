"""The errors meant for a person: the command line prints their text in place of a traceback."""


class AevbError(Exception):
    """Base class. The text says what is wrong, where, and what to do about it."""


class ConfigError(AevbError):
    """A setting is unknown, missing or out of range."""


class DataError(AevbError):
    """A data file cannot be had, or is not what it should be."""


class UnavailableError(DataError):
    """None of the data sets that are asked for could be had."""


class CheckpointError(AevbError):
    """A checkpoint is damaged or belongs to another experiment."""


class DivergenceError(AevbError):
    """A bound or a parameter became non-finite during training."""


class AuditFailure(AevbError):
    """A regression: a verdict worse than is known, or a record that is not sound."""
