# The marginal likelihood along training (Figure 3), and the estimators against known truths.


rule likelihood:
    input:
        snapshots=f"{RUN_FIG3}/snapshots.safetensors",
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=f"{RUN_FIG3}/likelihood.csv",
        flagged=f"{RUN_FIG3}/flagged.csv",
    log:
        f"{RUN_FIG3}/logs/likelihood.log",
    benchmark:
        f"{RUN_FIG3}/logs/likelihood.tsv"
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="24h",
    params:
        estimators=likelihood_estimators,
        points=likelihood_points,
        code=code_hash("aevb.likelihood.along_training"),
    shell:
        "python -m aevb likelihood {input.snapshots:q} --record {input.record:q}"
        " --estimators {params.estimators:q} --points {params.points}"
        " --output {output.table:q} --flagged {output.flagged:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS/$(dirname {output.table:q})/likelihood"'
        " --threads {threads} --log {log:q}"


rule compare_estimators_ppca:
    input:
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=TRUTH_PPCA,
    log:
        "results/{scale}/runs/ppca/{dataset}/latent_dim_{latent_dim}/logs/estimators.log",
    benchmark:
        "results/{scale}/runs/ppca/{dataset}/latent_dim_{latent_dim}/logs/estimators.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        settings=truth_network_settings,
        estimators=truth_estimators,
        points=truth_points,
        code=code_hash("aevb.likelihood.truth_table"),
    shell:
        "python -m aevb compare-estimators --record {input.record:q}"
        " --settings {params.settings:q} --latent-dim {wildcards.latent_dim}"
        " --estimators {params.estimators:q} --points {params.points}"
        " --output {output.table:q} --threads {threads} --log {log:q}"


rule compare_estimators_untrained:
    input:
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=TRUTH_UNTRAINED,
    log:
        f"{Path(TRUTH_UNTRAINED).parent}/logs/estimators.log",
    benchmark:
        f"{Path(TRUTH_UNTRAINED).parent}/logs/estimators.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        settings=truth_network_settings,
        estimators=network_truth_estimators,
        points=truth_points,
        code=code_hash("aevb.likelihood.truth_table"),
    shell:
        "python -m aevb compare-estimators --record {input.record:q}"
        " --settings {params.settings:q} --estimators {params.estimators:q}"
        " --points {params.points} --output {output.table:q} --threads {threads} --log {log:q}"


rule compare_estimators_network:
    input:
        weights=f"{RUN_FIG3}/weights.safetensors",
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=f"{RUN_FIG3}/estimators.csv",
    log:
        f"{RUN_FIG3}/logs/estimators.log",
    benchmark:
        f"{RUN_FIG3}/logs/estimators.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        estimators=network_truth_estimators,
        points=truth_points,
        code=code_hash("aevb.likelihood.truth_table"),
    shell:
        "python -m aevb compare-estimators --record {input.record:q} --weights {input.weights:q}"
        " --estimators {params.estimators:q} --points {params.points}"
        " --output {output.table:q} --threads {threads} --log {log:q}"
