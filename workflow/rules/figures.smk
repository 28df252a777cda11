# Figures and tables, drawn from finished curves alone.


rule draw_fig2:
    input:
        curves=fig2_curves,
        paper="resources/paper/fig2_lower_bound.csv",
    output:
        pdf=report(
            "results/{scale}/figures/fig2{of}.pdf",
            caption="../report/fig2.rst",
            category="Figure 2",
            labels={"figure": "Figure 2{of}", "format": "PDF"},
        ),
        png=report(
            "results/{scale}/figures/fig2{of}.png",
            caption="../report/fig2.rst",
            category="Figure 2",
            labels={"figure": "Figure 2{of}", "format": "PNG"},
        ),
        csv="results/{scale}/figures/fig2{of}.csv",
    log:
        "results/{scale}/logs/fig2{of}.log",
    benchmark:
        "results/{scale}/logs/fig2{of}.tsv"
    wildcard_constraints:
        of="|".join(["", *(f"_{dataset}" for dataset in FIG2["latent_dims"])]),
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.fig2", "aevb.figures.style"),
    shell:
        "python -m aevb figure fig2 {input.curves:q} --output {params.stem:q}"
        " --paper {input.paper:q} --note {params.note:q} --log {log:q}"


rule fig2_distance_table:
    input:
        curves=fig2_curves,
        paper="resources/paper/fig2_lower_bound.csv",
    output:
        table=report(
            "results/{scale}/tables/fig2_distance.csv",
            caption="../report/fig2_distance.rst",
            category="Figure 2",
            labels={"figure": "distance to the paper", "format": "CSV"},
        ),
    log:
        "results/{scale}/logs/fig2_distance.log",
    benchmark:
        "results/{scale}/logs/fig2_distance.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        code=code_hash("aevb.figures.fig2_distance"),
    shell:
        "python -m aevb table fig2-distance {input.curves:q} --output {output.table:q}"
        " --paper {input.paper:q} --log {log:q}"


rule step_size_table:
    input:
        tables=step_size_tables,
    output:
        table=report(
            "results/{scale}/tables/step_sizes.csv",
            caption="../report/step_sizes.rst",
            category="Step sizes",
            labels={"figure": "step size selection", "format": "CSV"},
        ),
    log:
        "results/{scale}/logs/step_sizes.log",
    benchmark:
        "results/{scale}/logs/step_sizes.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        code=code_hash("aevb.figures.step_sizes"),
    shell:
        "python -m aevb table step-sizes {input.tables:q} --output {output.table:q} --log {log:q}"


rule variant_table:
    input:
        unpack(variant_curves),
        reference="resources/paper/fig2_lower_bound.csv",
    output:
        table=report(
            "results/{scale}/tables/variants.csv",
            caption="../report/variants.rst",
            category="Protocol variants",
            labels={"figure": "variants against the paper", "format": "CSV"},
        ),
    log:
        "results/{scale}/logs/variants.log",
    benchmark:
        "results/{scale}/logs/variants.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        curves=named_variant_curves,
        code=code_hash("aevb.figures.variants"),
    shell:
        "python -m aevb table variants {params.curves:q} --output {output.table:q}"
        " --paper {input.reference:q} --log {log:q}"
