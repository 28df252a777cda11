"""The rules by which claims are checked: from finished tables to cases.

Each rule takes the tables and its parameters (``config/README.md`` explains them) and returns its
cases; none where the record does not go so far. Nats per datapoint unless the table says otherwise.
"""

from collections.abc import Callable

from aevb.audit.cases import Case
from aevb.audit.rules import curves, numbers, pictures

RULES: dict[str, Callable[..., list[Case]]] = {
    "order": curves.order,
    "gap": curves.gap,
    "faster": curves.faster,
    "scaling": curves.scaling,
    "grain": curves.grain,
    "steady": curves.steady,
    "distance": curves.distance,
    "within": numbers.within,
    "ratio": numbers.ratio,
    "bounded": curves.bounded,
    "decline": curves.decline,
    "slope": numbers.slope,
    "coverage": numbers.coverage,
    "reference": numbers.reference,
    "smooth": pictures.smooth,
}
