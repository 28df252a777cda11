# What section 2.1 promises of a trained model, measured on test images.


rule evaluate_representation:
    input:
        weights=probe_weights,
        records=probe_records,
    output:
        table="results/{scale}/figures/representation.csv",
    log:
        "results/{scale}/logs/evaluate_representation.log",
    benchmark:
        "results/{scale}/logs/evaluate_representation.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime="2h",
    params:
        records=record_options,
        probe_images=probe_images,
        code=code_hash("aevb.applications.representation"),
    shell:
        "python -m aevb evaluate representation {input.weights:q} {params.records}"
        " --probe-images {params.probe_images} --output {output.table:q}"
        " --threads {threads} --log {log:q}"


rule draw_representation:
    input:
        table="results/{scale}/figures/representation.csv",
    output:
        pdf=report(
            "results/{scale}/figures/representation.pdf",
            caption="../report/representation.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "representation",
                "PDF",
                "MNIST",
                "AEVB",
                sizes(FIGURES["applications"]["representation"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/representation.png",
            caption="../report/representation.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "representation",
                "PNG",
                "MNIST",
                "AEVB",
                sizes(FIGURES["applications"]["representation"]),
            ),
        ),
    log:
        "results/{scale}/logs/representation.log",
    benchmark:
        "results/{scale}/logs/representation.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.representation", "aevb.figures.style"),
    shell:
        "python -m aevb figure representation {input.table:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule evaluate_denoising:
    input:
        weights=application_weights,
        records=application_records,
    output:
        table="results/{scale}/figures/denoising.csv",
        pictures="results/{scale}/figures/denoising.npz",
    log:
        "results/{scale}/logs/evaluate_denoising.log",
    benchmark:
        "results/{scale}/logs/evaluate_denoising.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        records=record_options,
        stem=subpath(output.table, strip_suffix=".csv"),
        points=application_points,
        hmc=hmc_budget,
        options=denoising_options,
        code=code_hash("aevb.applications.restoration", "aevb.pictures"),
    shell:
        "python -m aevb evaluate denoising {input.weights:q} {params.records}"
        " --output {params.stem:q} --points {params.points} --hmc {params.hmc:q} {params.options}"
        " --threads {threads} --log {log:q}"


rule draw_denoising:
    input:
        table="results/{scale}/figures/denoising.csv",
        pictures="results/{scale}/figures/denoising.npz",
    output:
        pdf=report(
            "results/{scale}/figures/denoising.pdf",
            caption="../report/denoising.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "denoising",
                "PDF",
                "all",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/denoising.png",
            caption="../report/denoising.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "denoising",
                "PNG",
                "all",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
    log:
        "results/{scale}/logs/denoising.log",
    benchmark:
        "results/{scale}/logs/denoising.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.restoration", "aevb.figures.style"),
    shell:
        "python -m aevb figure restoration {input.table:q} --pictures {input.pictures:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule evaluate_super_resolution:
    input:
        weights=application_weights,
        records=application_records,
    output:
        table="results/{scale}/figures/super_resolution.csv",
        pictures="results/{scale}/figures/super_resolution.npz",
    log:
        "results/{scale}/logs/evaluate_super_resolution.log",
    benchmark:
        "results/{scale}/logs/evaluate_super_resolution.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        records=record_options,
        stem=subpath(output.table, strip_suffix=".csv"),
        points=application_points,
        hmc=hmc_budget,
        options=super_resolution_options,
        code=code_hash("aevb.applications.restoration", "aevb.pictures"),
    shell:
        "python -m aevb evaluate super-resolution {input.weights:q} {params.records}"
        " --output {params.stem:q} --points {params.points} --hmc {params.hmc:q} {params.options}"
        " --threads {threads} --log {log:q}"


rule draw_super_resolution:
    input:
        table="results/{scale}/figures/super_resolution.csv",
        pictures="results/{scale}/figures/super_resolution.npz",
    output:
        pdf=report(
            "results/{scale}/figures/super_resolution.pdf",
            caption="../report/super_resolution.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "super-resolution",
                "PDF",
                "all",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/super_resolution.png",
            caption="../report/super_resolution.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "super-resolution",
                "PNG",
                "all",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
    log:
        "results/{scale}/logs/super_resolution.log",
    benchmark:
        "results/{scale}/logs/super_resolution.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.restoration", "aevb.figures.style"),
    shell:
        "python -m aevb figure restoration {input.table:q} --pictures {input.pictures:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule evaluate_inpainting:
    input:
        weights=application_weights,
        records=application_records,
    output:
        table="results/{scale}/figures/inpainting.csv",
        pictures="results/{scale}/figures/inpainting.npz",
    log:
        "results/{scale}/logs/evaluate_inpainting.log",
    benchmark:
        "results/{scale}/logs/evaluate_inpainting.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        records=record_options,
        stem=subpath(output.table, strip_suffix=".csv"),
        points=application_points,
        hmc=hmc_budget,
        ais=ais_budget,
        code=code_hash("aevb.applications.inpainting", "aevb.pictures"),
    shell:
        "python -m aevb evaluate inpainting {input.weights:q} {params.records}"
        " --output {params.stem:q} --points {params.points} --hmc {params.hmc:q} --ais {params.ais:q}"
        " --threads {threads} --log {log:q}"


rule draw_inpainting:
    input:
        table="results/{scale}/figures/inpainting.csv",
        pictures="results/{scale}/figures/inpainting.npz",
    output:
        pdf=report(
            "results/{scale}/figures/inpainting.pdf",
            caption="../report/inpainting.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "inpainting",
                "PDF",
                "all",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/inpainting.png",
            caption="../report/inpainting.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "inpainting",
                "PNG",
                "all",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
    log:
        "results/{scale}/logs/inpainting.log",
    benchmark:
        "results/{scale}/logs/inpainting.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.inpainting", "aevb.figures.style"),
    shell:
        "python -m aevb figure inpainting {input.table:q} --pictures {input.pictures:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule evaluate_anomaly:
    input:
        weights=anomaly_weights,
        records=anomaly_record,
        foreign=foreign_record,
    output:
        table="results/{scale}/figures/anomaly.csv",
        pictures="results/{scale}/figures/anomaly.npz",
        scores="results/{scale}/figures/anomaly_scores.csv",
    log:
        "results/{scale}/logs/evaluate_anomaly.log",
    benchmark:
        "results/{scale}/logs/evaluate_anomaly.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        records=record_options,
        foreign=foreign_option,
        stem=subpath(output.table, strip_suffix=".csv"),
        points=application_points,
        ais=ais_budget,
        code=code_hash("aevb.applications.anomaly", "aevb.pictures"),
    shell:
        "python -m aevb evaluate anomaly --weights {input.weights:q} {params.records} {params.foreign}"
        " --output {params.stem:q} --scores {output.scores:q} --points {params.points}"
        " --ais {params.ais:q} --threads {threads} --log {log:q}"


rule draw_anomaly:
    input:
        table="results/{scale}/figures/anomaly.csv",
        pictures="results/{scale}/figures/anomaly.npz",
        scores="results/{scale}/figures/anomaly_scores.csv",
    output:
        pdf=report(
            "results/{scale}/figures/anomaly.pdf",
            caption="../report/anomaly.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "anomaly ranking",
                "PDF",
                "MNIST",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
        png=report(
            "results/{scale}/figures/anomaly.png",
            caption="../report/anomaly.rst",
            category="2.1 What a trained model is for",
            labels=labels(
                "anomaly ranking",
                "PNG",
                "MNIST",
                "AEVB",
                sizes(FIGURES["applications"]["latent_dims"]),
            ),
        ),
    log:
        "results/{scale}/logs/anomaly.log",
    benchmark:
        "results/{scale}/logs/anomaly.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.anomaly", "aevb.figures.style"),
    shell:
        "python -m aevb figure anomaly {input.table:q} --pictures {input.pictures:q} --scores {input.scores:q}"
        " --output {params.stem:q} --note {params.note:q} --log {log:q}"


rule applications_table:
    input:
        tables=application_tables,
    output:
        table="results/{scale}/tables/applications.csv",
        page=report(
            "results/{scale}/tables/applications.html",
            caption="../report/applications.rst",
            category="2.1 What a trained model is for",
            labels=labels("all numbers", "table", "all", "AEVB", "several"),
        ),
    log:
        "results/{scale}/logs/applications.log",
    benchmark:
        "results/{scale}/logs/applications.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        code=code_hash("aevb.figures.applications"),
    shell:
        "python -m aevb table applications {input.tables:q} --output {output.table:q}"
        " --page {output.page:q} --log {log:q}"
