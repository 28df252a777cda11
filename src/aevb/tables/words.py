"""How numbers and data sets are put into words, in tables and in figures."""

import pandas as pd

_TITLES = {"FreyFace": "Frey Face"}


def title(dataset: str) -> str:
    """How a data set is called in titles: mostly by its label."""
    return _TITLES.get(dataset, dataset)


def minus(value: float, digits: int = 1) -> str:
    """A number with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float, digits: int = 1) -> str:
    """The same with a plus."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def reach(values: pd.Series) -> str:
    """The least and the largest of the values, signed; one where both read the same."""
    return " to ".join(dict.fromkeys([signed(values.min()), signed(values.max())]))
