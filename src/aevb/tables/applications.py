"""All numbers of the applications (§2.1) in one table."""

from pathlib import Path

import pandas as pd

from aevb.tables import measurements, pages

_DIGITS = {"accuracy": 4, "auroc": 4, "rmse": 4, "log-likelihood": 1, "gain over the marginal": 1}


def make(tables: list[Path]) -> dict[str, str]:
    """The table and its page, from those of ``aevb evaluate``."""
    rows = measurements.read_measurements(tables)
    return {"output": rows.to_csv(index=False, float_format="%.6g"), "page": render(rows)}


def render(rows: pd.DataFrame) -> str:
    """The table as a page of HTML, for the report.

    Args:
        rows: as :func:`aevb.tables.measurements.read_measurements` gives it.
    """
    shown = pd.DataFrame(
        {
            "application": rows["application"],
            "data set": rows["dataset"],
            "N_z": rows["latent_dim"],
            "condition": rows["condition"],
            "method": rows["method"],
            "quantity": rows["quantity"],
            "value [95 % interval]": [
                measurements.text(row, _DIGITS.get(row["quantity"], 2))
                for _, row in rows.iterrows()
            ],
            "images": rows["n_images"].map("{:,}".format),
        }
    )
    return pages.table(shown, left=6)
