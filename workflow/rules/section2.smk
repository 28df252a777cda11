# What section 2 and the appendices B and F say without an experiment.


rule study:
    input:
        records=study_records,
        step_sizes=study_step_sizes,
    output:
        table="results/{scale}/figures/{study}.csv",
    log:
        "results/{scale}/logs/{study}_curves.log",
    benchmark:
        "results/{scale}/logs/{study}_curves.tsv"
    wildcard_constraints:
        study="|".join(configuration.STUDIES),
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="24h",
    params:
        settings=study_settings,
        records=record_options,
        step_sizes=step_size_options,
        folder=subpath(output.table, ancestor=2),
        code=code_hash("aevb.section2.study"),
    shell:
        "python -m aevb section2 study {params.settings:q} {params.records} {params.step_sizes}"
        " --output {output.table:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS"/{params.folder:q}/section2/{wildcards.study}'
        " --threads {threads} --log {log:q}"


rule draw_study:
    input:
        table="results/{scale}/figures/{study}.csv",
    output:
        pdf=report(
            "results/{scale}/figures/{study}.pdf",
            caption="../report/study.rst",
            category="2 Method",
            labels=labels("{study}", "PDF", "see caption", "AEVB", "see caption"),
        ),
        png=report(
            "results/{scale}/figures/{study}.png",
            caption="../report/study.rst",
            category="2 Method",
            labels=labels("{study}", "PNG", "see caption", "AEVB", "see caption"),
        ),
        summary=report(
            "results/{scale}/tables/{study}.csv",
            caption="../report/study.rst",
            category="2 Method",
            labels=labels("{study}", "CSV", "see caption", "AEVB", "see caption"),
        ),
    log:
        "results/{scale}/logs/{study}.log",
    benchmark:
        "results/{scale}/logs/{study}.tsv"
    wildcard_constraints:
        study="|".join(configuration.STUDIES),
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.studies", "aevb.figures.style"),
    shell:
        "python -m aevb figure study {input.table:q} --study {wildcards.study}"
        " --output {params.stem:q} --summary {output.summary:q} --note {params.note:q} --log {log:q}"


rule gradient_variance:
    input:
        weights=gradient_weights,
        records=gradient_records,
    output:
        table="results/{scale}/figures/gradient_variance.csv",
    log:
        "results/{scale}/logs/gradients.log",
    benchmark:
        "results/{scale}/logs/gradients.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        records=record_options,
        options=gradient_options,
        code=code_hash("aevb.section2.gradients", "aevb.trained"),
    shell:
        "python -m aevb section2 gradients {input.weights:q} {params.records} {params.options}"
        " --output {output.table:q} --threads {threads} --log {log:q}"


rule draw_gradient_variance:
    input:
        table="results/{scale}/figures/gradient_variance.csv",
    output:
        pdf=report(
            "results/{scale}/figures/gradient_variance.pdf",
            caption="../report/gradient_variance.rst",
            category="2 Method",
            labels=labels(
                "gradient variance",
                "PDF",
                "all",
                "AEVB",
                sizes(FIGURES["section2"]["gradients"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/gradient_variance.png",
            caption="../report/gradient_variance.rst",
            category="2 Method",
            labels=labels(
                "gradient variance",
                "PNG",
                "all",
                "AEVB",
                sizes(FIGURES["section2"]["gradients"]),
            ),
        ),
        ratios="results/{scale}/tables/gradient_variance.csv",
    log:
        "results/{scale}/logs/gradient_variance.log",
    benchmark:
        "results/{scale}/logs/gradient_variance.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.gradient_variance", "aevb.figures.style"),
    shell:
        "python -m aevb figure gradient-variance {input.table:q} --output {params.stem:q}"
        " --ratios {output.ratios:q} --note {params.note:q} --log {log:q}"


rule kl_divergence:
    output:
        table="results/{scale}/figures/kl_divergence.csv",
    log:
        "results/{scale}/logs/kl_divergence_draws.log",
    benchmark:
        "results/{scale}/logs/kl_divergence_draws.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="1h",
    params:
        draws=kl_draws,
        code=code_hash("aevb.section2.kl_divergence"),
    shell:
        "python -m aevb section2 kl-divergence --output {output.table:q} --draws {params.draws}"
        " --threads {threads} --log {log:q}"


rule draw_kl_divergence:
    input:
        table="results/{scale}/figures/kl_divergence.csv",
    output:
        pdf=report(
            "results/{scale}/figures/kl_divergence.pdf",
            caption="../report/kl_divergence.rst",
            category="Appendix B",
            labels=labels("analytic KL", "PDF", "", "", "1 to 200"),
        ),
        png=report(
            "results/{scale}/figures/kl_divergence.png",
            caption="../report/kl_divergence.rst",
            category="Appendix B",
            labels=labels("analytic KL", "PNG", "", "", "1 to 200"),
        ),
    log:
        "results/{scale}/logs/kl_divergence.log",
    benchmark:
        "results/{scale}/logs/kl_divergence.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.kl_divergence", "aevb.figures.style"),
    shell:
        "python -m aevb figure kl-divergence {input.table:q} --output {params.stem:q}"
        " --note {params.note:q} --log {log:q}"


rule reparameterisations:
    output:
        table="results/{scale}/tables/reparameterisations.csv",
    log:
        "results/{scale}/logs/reparameterisations.log",
    benchmark:
        "results/{scale}/logs/reparameterisations.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="1h",
    params:
        draws=reparameterisation_draws,
        code=code_hash("aevb.reparameterisation"),
    shell:
        "python -m aevb section2 reparameterisations --output {output.table:q}"
        " --draws {params.draws} --threads {threads} --log {log:q}"


rule reparameterisations_page:
    input:
        table="results/{scale}/tables/reparameterisations.csv",
    output:
        page=report(
            "results/{scale}/tables/reparameterisations.html",
            caption="../report/reparameterisations.rst",
            category="2 Method",
            labels=labels("reparameterisations", "table", "", "", ""),
        ),
    log:
        "results/{scale}/logs/reparameterisations_page.log",
    benchmark:
        "results/{scale}/logs/reparameterisations_page.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        code=code_hash("aevb.figures.reparameterisation"),
    shell:
        "python -m aevb table reparameterisations {input.table:q} --page {output.page:q}"
        " --log {log:q}"


rule compare_full_vb:
    input:
        record=f"{CACHE}/{{dataset}}.json",
        step_size=full_vb_step_size,
        map_step_size=map_step_size,
    output:
        table=f"{FULL_VB}/full_vb.csv",
        histogram=f"{FULL_VB}/signal_to_noise.csv",
        pruning=f"{FULL_VB}/pruning.csv",
        curve=f"{FULL_VB}/bounds.csv",
        weights=f"{FULL_VB}/posterior/weights.safetensors",
    log:
        f"{FULL_VB}/logs/full_vb.log",
    benchmark:
        f"{FULL_VB}/logs/full_vb.tsv"
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="24h",
    params:
        settings=full_vb_settings,
        map_settings=map_settings,
        options=full_vb_options,
        code=code_hash("aevb.section2.weight_uncertainty", "aevb.experiment"),
    shell:
        "python -m aevb section2 full-vb {params.settings:q} {params.map_settings:q}"
        " --record {input.record:q} --step-size-table {input.step_size:q}"
        " --map-step-size-table {input.map_step_size:q} {params.options}"
        " --output {output.table:q} --histogram {output.histogram:q} --pruning {output.pruning:q}"
        " --curve {output.curve:q} --weights {output.weights:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS/$(dirname {output.table:q})/full_vb"'
        " --threads {threads} --log {log:q}"


rule draw_weight_uncertainty:
    input:
        tables=full_vb_tables,
        histograms=full_vb_histograms,
        prunings=full_vb_prunings,
    output:
        pdf=report(
            "results/{scale}/figures/weight_uncertainty.pdf",
            caption="../report/weight_uncertainty.rst",
            category="Appendix F",
            labels=labels(
                "full VB against MAP",
                "PDF",
                "MNIST",
                "full VB",
                str(FIG3["latent_dim"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/weight_uncertainty.png",
            caption="../report/weight_uncertainty.rst",
            category="Appendix F",
            labels=labels(
                "full VB against MAP",
                "PNG",
                "MNIST",
                "full VB",
                str(FIG3["latent_dim"]),
            ),
        ),
        csv="results/{scale}/figures/weight_uncertainty.csv",
        pruning="results/{scale}/figures/weight_uncertainty_pruning.csv",
        histogram="results/{scale}/figures/weight_uncertainty_signal_to_noise.csv",
    log:
        "results/{scale}/logs/weight_uncertainty.log",
    benchmark:
        "results/{scale}/logs/weight_uncertainty.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        folders=full_vb_folders,
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.weight_uncertainty", "aevb.figures.style"),
    shell:
        "python -m aevb figure weight-uncertainty {params.folders:q} --output {params.stem:q}"
        " --note {params.note:q} --log {log:q}"
