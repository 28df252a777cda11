"""What entries of several parts of the paper have in common."""

METHOD, VISUALISATION, EXPERIMENTS = "2 Method", "4 Visualisation", "5 Experiments"
"""The headings that their products have in the report."""

PAPER_FIG2 = {"paper": "resources/paper/fig2_lower_bound.csv"}
PICTURES = ("aevb.pictures",)
