"""Tables as pages of HTML, for the report."""

import pandas as pd

_STYLE = (
    "table{{border-collapse:collapse;font:14px sans-serif}}"
    "th,td{{padding:3px 10px;text-align:right;border-bottom:1px solid #ddd;{wrap}}}"
    "th:nth-child(-n+{left}),td:nth-child(-n+{left}){{text-align:left}}"
    "thead{{position:sticky;top:0;background:#fff}}"
)


def table(shown: pd.DataFrame, left: int = 3, *, wrap: bool = False) -> str:
    """A self-contained page with one table.

    Args:
        shown: its cells, as text; the columns' names are the header.
        left: so many of the first columns are aligned to the left, the others to the right.
        wrap: whether long cells may be broken into lines.
    """
    looks = _STYLE.format(left=left, wrap="vertical-align:top" if wrap else "white-space:nowrap")
    body = shown.to_html(index=False, border=0, justify="left")
    return f"<!DOCTYPE html>\n<meta charset='utf-8'>\n<style>{looks}</style>\n{body}\n"
