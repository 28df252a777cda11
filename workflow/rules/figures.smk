# Figures and tables, drawn from finished curves alone.


rule draw_fig1:
    output:
        pdf=report(
            "results/{scale}/figures/fig1.pdf",
            caption="../report/fig1.rst",
            category="2 Method",
            labels=labels("Figure 1", "PDF", "", "", ""),
        ),
        png=report(
            "results/{scale}/figures/fig1.png",
            caption="../report/fig1.rst",
            category="2 Method",
            labels=labels("Figure 1", "PNG", "", "", ""),
        ),
        csv="results/{scale}/figures/fig1.csv",
    log:
        "results/{scale}/logs/fig1.log",
    benchmark:
        "results/{scale}/logs/fig1.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        code=code_hash("aevb.figures.fig1", "aevb.figures.style"),
    shell:
        "python -m aevb figure fig1 --output {params.stem:q} --log {log:q}"


rule draw_fig2:
    input:
        curves=fig2_curves,
        paper=given(RESOURCES / "paper/fig2_lower_bound.csv"),
    output:
        pdf=report(
            "results/{scale}/figures/fig2{of}.pdf",
            caption="../report/fig2.rst",
            category="5 Experiments",
            labels=labels(
                "Figure 2{of}",
                "PDF",
                "all",
                "AEVB, wake-sleep",
                sizes(FIG2["latent_dims"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/fig2{of}.png",
            caption="../report/fig2.rst",
            category="5 Experiments",
            labels=labels(
                "Figure 2{of}",
                "PNG",
                "all",
                "AEVB, wake-sleep",
                sizes(FIG2["latent_dims"]),
            ),
        ),
        csv="results/{scale}/figures/fig2{of}.csv",
    log:
        "results/{scale}/logs/fig2{of}.log",
    benchmark:
        "results/{scale}/logs/fig2{of}.tsv"
    wildcard_constraints:
        of="|".join(["", *(f"_{dataset}" for dataset in FIG2["latent_dims"])]),
    priority: 1
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
        paper=given(RESOURCES / "paper/fig2_lower_bound.csv"),
    output:
        table=report(
            "results/{scale}/tables/fig2_distance.csv",
            caption="../report/fig2_distance.rst",
            category="5 Experiments",
            labels=labels(
                "Figure 2: distance to the paper",
                "CSV",
                "all",
                "AEVB, wake-sleep",
                "several",
            ),
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
            category="5 Experiments",
            labels=labels("step size selection", "CSV", "all", "all", "several"),
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
        reference=given(RESOURCES / "paper/fig2_lower_bound.csv"),
    output:
        table=report(
            "results/{scale}/tables/variants.csv",
            caption="../report/variants.rst",
            category="Protocol variants",
            labels=labels(
                "variants against the paper",
                "CSV",
                "all",
                "AEVB, wake-sleep",
                "several",
            ),
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


rule draw_fig3:
    input:
        likelihoods=fig3_likelihoods,
        paper=given(RESOURCES / "paper/fig3_marginal_likelihood.csv"),
    output:
        pdf=report(
            "results/{scale}/figures/fig3.pdf",
            caption="../report/fig3.rst",
            category="5 Experiments",
            labels=labels("Figure 3", "PDF", "MNIST", "all", "3"),
        ),
        png=report(
            "results/{scale}/figures/fig3.png",
            caption="../report/fig3.rst",
            category="5 Experiments",
            labels=labels("Figure 3", "PNG", "MNIST", "all", "3"),
        ),
        csv="results/{scale}/figures/fig3.csv",
    log:
        "results/{scale}/logs/fig3.log",
    benchmark:
        "results/{scale}/logs/fig3.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        estimators=drawn_estimators,
        code=code_hash("aevb.figures.fig3", "aevb.figures.style"),
    shell:
        "python -m aevb figure fig3 {input.likelihoods:q} --output {params.stem:q}"
        " --paper {input.paper:q} {params.estimators} --note {params.note:q} --log {log:q}"


rule fig3_tables:
    input:
        likelihoods=fig3_likelihoods,
        paper=given(RESOURCES / "paper/fig3_marginal_likelihood.csv"),
    output:
        distance=report(
            "results/{scale}/tables/fig3_distance.csv",
            caption="../report/fig3_distance.rst",
            category="5 Experiments",
            labels=labels(
                "Figure 3: distance to the paper", "CSV", "MNIST", "all", "3"
            ),
        ),
        orders=report(
            "results/{scale}/tables/fig3_orders.csv",
            caption="../report/fig3_distance.rst",
            category="5 Experiments",
            labels=labels("order of the curves", "CSV", "MNIST", "all", "3"),
        ),
    log:
        "results/{scale}/logs/fig3_distance.log",
    benchmark:
        "results/{scale}/logs/fig3_distance.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        estimators=drawn_estimators,
        code=code_hash("aevb.figures.fig3_distance"),
    shell:
        "python -m aevb table fig3-distance {input.likelihoods:q} --output {output.distance:q}"
        " --orders {output.orders:q} --paper {input.paper:q} {params.estimators} --log {log:q}"


rule draw_estimators:
    input:
        tables=truth_tables,
    output:
        pdf=report(
            "results/{scale}/figures/estimators.pdf",
            caption="../report/estimators.rst",
            category="Appendix D and E",
            labels=labels(
                "estimators against the truth", "PDF", "MNIST", "all", "several"
            ),
        ),
        png=report(
            "results/{scale}/figures/estimators.png",
            caption="../report/estimators.rst",
            category="Appendix D and E",
            labels=labels(
                "estimators against the truth", "PNG", "MNIST", "all", "several"
            ),
        ),
        page=report(
            "results/{scale}/tables/estimators.html",
            caption="../report/estimators.rst",
            category="Appendix D and E",
            labels=labels(
                "estimators against the truth", "table", "MNIST", "all", "several"
            ),
        ),
        csv="results/{scale}/figures/estimators.csv",
    log:
        "results/{scale}/logs/estimators.log",
    benchmark:
        "results/{scale}/logs/estimators.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.estimators", "aevb.figures.style"),
    shell:
        "python -m aevb figure estimators {input.tables:q} --output {params.stem:q}"
        " --page {output.page:q} --note {params.note:q} --log {log:q}"
