# What trained models make of latent variables and of data: Figures 4 and 5, projections, explorer.


rule manifold:
    input:
        weights=manifold_weights,
    output:
        pictures="results/{scale}/figures/fig4.npz",
        table="results/{scale}/figures/fig4.csv",
    log:
        "results/{scale}/logs/manifold.log",
    benchmark:
        "results/{scale}/logs/manifold.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        rows=manifold_rows,
        code=code_hash("aevb.generation", "aevb.trained", "aevb.pictures"),
    shell:
        "python -m aevb manifold {input.weights:q} {params.rows} --output {output.pictures:q}"
        " --table {output.table:q} --threads {threads} --log {log:q}"


rule draw_fig4:
    input:
        pictures="results/{scale}/figures/fig4.npz",
    output:
        pdf=report(
            "results/{scale}/figures/fig4.pdf",
            caption="../report/fig4.rst",
            category="4 Visualisation",
            labels=labels("Figure 4", "PDF", "all", "AEVB", "2"),
        ),
        png=report(
            "results/{scale}/figures/fig4.png",
            caption="../report/fig4.rst",
            category="4 Visualisation",
            labels=labels("Figure 4", "PNG", "all", "AEVB", "2"),
        ),
    log:
        "results/{scale}/logs/fig4.log",
    benchmark:
        "results/{scale}/logs/fig4.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.fig4", "aevb.figures.style"),
    shell:
        "python -m aevb figure fig4 {input.pictures:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule sample:
    input:
        weights=sample_weights,
    output:
        pictures="results/{scale}/figures/fig5.npz",
        table="results/{scale}/figures/fig5.csv",
    log:
        "results/{scale}/logs/sample.log",
    benchmark:
        "results/{scale}/logs/sample.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        rows=FIGURES["fig5"]["rows"],
        seed=FIGURES["fig5"]["seed"],
        code=code_hash("aevb.generation", "aevb.trained", "aevb.pictures"),
    shell:
        "python -m aevb sample {input.weights:q} --rows {params.rows} --seed {params.seed}"
        " --output {output.pictures:q} --table {output.table:q} --threads {threads} --log {log:q}"


rule draw_fig5:
    input:
        pictures="results/{scale}/figures/fig5.npz",
    output:
        pdf=report(
            "results/{scale}/figures/fig5.pdf",
            caption="../report/fig5.rst",
            category="4 Visualisation",
            labels=labels(
                "Figure 5",
                "PDF",
                "MNIST",
                "AEVB",
                sizes(FIGURES["fig5"]["latent_dims"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/fig5.png",
            caption="../report/fig5.rst",
            category="4 Visualisation",
            labels=labels(
                "Figure 5",
                "PNG",
                "MNIST",
                "AEVB",
                sizes(FIGURES["fig5"]["latent_dims"]),
            ),
        ),
    log:
        "results/{scale}/logs/fig5.log",
    benchmark:
        "results/{scale}/logs/fig5.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.fig5", "aevb.figures.style"),
    shell:
        "python -m aevb figure fig5 {input.pictures:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule project:
    input:
        weights=projection_weights,
        records=projection_records,
    output:
        projection="results/{scale}/figures/projection.csv",
        usage="results/{scale}/figures/latent_usage.csv",
    log:
        "results/{scale}/logs/project.log",
    benchmark:
        "results/{scale}/logs/project.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        records=record_options,
        code=code_hash("aevb.encoding"),
    shell:
        "python -m aevb project {input.weights:q} {params.records} --projection {output.projection:q}"
        " --usage {output.usage:q} --threads {threads} --log {log:q}"


rule draw_projection:
    input:
        table="results/{scale}/figures/projection.csv",
    output:
        pdf=report(
            "results/{scale}/figures/projection.pdf",
            caption="../report/projection.rst",
            category="4 Visualisation",
            labels=labels("projection", "PDF", "all", "AEVB", "2"),
        ),
        png=report(
            "results/{scale}/figures/projection.png",
            caption="../report/projection.rst",
            category="4 Visualisation",
            labels=labels("projection", "PNG", "all", "AEVB", "2"),
        ),
    log:
        "results/{scale}/logs/projection.log",
    benchmark:
        "results/{scale}/logs/projection.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.projection", "aevb.figures.style"),
    shell:
        "python -m aevb figure projection {input.table:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule draw_latent_usage:
    input:
        table="results/{scale}/figures/latent_usage.csv",
    output:
        pdf=report(
            "results/{scale}/figures/latent_usage.pdf",
            caption="../report/latent_usage.rst",
            category="5 Experiments",
            labels=labels(
                "latent usage",
                "PDF",
                "all",
                "AEVB",
                sizes(FIGURES["projection"]["latent_dims"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/latent_usage.png",
            caption="../report/latent_usage.rst",
            category="5 Experiments",
            labels=labels(
                "latent usage",
                "PNG",
                "all",
                "AEVB",
                sizes(FIGURES["projection"]["latent_dims"]),
            ),
        ),
    log:
        "results/{scale}/logs/latent_usage.log",
    benchmark:
        "results/{scale}/logs/latent_usage.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.latent_usage", "aevb.figures.style"),
    shell:
        "python -m aevb figure latent-usage {input.table:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule build_explorer:
    input:
        weights=explorer_weights,
        curves=explorer_curves,
        projection="results/{scale}/figures/projection.csv",
        template=given(ROOT / "src/aevb/explorer/template.html"),
    output:
        page=report(
            "results/{scale}/explorer.html",
            caption="../report/explorer.rst",
            category="4 Visualisation",
            labels=labels("latent explorer", "HTML", "all", "AEVB", "2"),
        ),
    log:
        "results/{scale}/logs/explorer.log",
    benchmark:
        "results/{scale}/logs/explorer.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        curves=curve_options,
        code=code_hash("aevb.explorer.build"),
    shell:
        "python -m aevb explorer {input.weights:q} --projection {input.projection:q}"
        " {params.curves} --output {output.page:q} --log {log:q}"
