"""Every figure, table and page: one entry each, in the order in which they are told."""

from aevb.catalogue.entries import (
    applications,
    figures,
    future_work,
    latent,
    likelihood,
    section2,
    training,
)
from aevb.catalogue.product import Table, figure, table

SHOWN = (
    *figures.ENTRIES,
    *latent.ENTRIES,
    *likelihood.ENTRIES,
    *applications.ENTRIES,
    *section2.ENTRIES,
    *future_work.ENTRIES,
    *training.ENTRIES,
)

FINDINGS = table(
    "findings",
    *("", "Findings", "paper and replication"),
    rule="findings",
    folder=True,
    inputs={
        "tables": lambda outputs: [
            file for one in SHOWN if one.is_made(outputs) for file in one.told_from
        ]
    },
    code=("aevb.tables.findings", *(one.drawn.code[0] for one in SHOWN if one.told_from)),
    outputs={"output": "tables/findings.csv", "page": "tables/findings.html"},
    tables=(Table("tables/findings.csv", "figure section paper ours"),),
    caption="""For each figure: what the paper shows and what this replication shows, in numbers
from the finished tables. Whether the paper's claims hold is told by the audit's verdicts.""",
)

AUDIT = figure(
    "audit",
    *("", "Audit", "all verdicts"),
    of_record=False,
    inputs={"claims": "audit/claims.csv"},
    outputs={"csv": "figures/audit.csv"},
    tables=(Table("figures/audit.csv", "claim kind section says verdict holding cases"),),
    log="draw_audit",
    caption="""Every claim of the paper as a check on the finished tables, with its verdict, and
whether the record is whole and unaltered. Rules and tolerances are those of
``config/claims.yaml``.""",
)

PRODUCTS = (*SHOWN, FINDINGS, AUDIT)
