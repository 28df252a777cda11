# The marginal likelihood along training (Figure 3), and the estimators against known truths.
TRUTH_PPCA = "results/{scale}/runs/ppca/{dataset}/latent_dim_{latent_dim}"
UNTRAINED = "results/{scale}/runs/untrained/{dataset}/hidden_units_{hidden_units}"
TRUTH_UNTRAINED = f"{UNTRAINED}/latent_dim_{{latent_dim}}"


rule likelihood:
    input:
        snapshots=f"{RUN_FIG3}/snapshots.safetensors",
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=f"{RUN_FIG3}/likelihood.csv",
        flagged=f"{RUN_FIG3}/flagged.csv",
    log:
        f"{RUN_FIG3}/logs/likelihood.log",
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="24h",
    params:
        estimators=asking(JOBS.likelihood_estimators),
        points=lookup("scales/{scale}/fig3/points", within=config),
        code=asking(JOBS.likelihood_code),
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
        table=f"{TRUTH_PPCA}/estimators.csv",
    log:
        f"{TRUTH_PPCA}/logs/estimators.log",
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        settings=asking(JOBS.truth_network),
        estimators=asking(JOBS.truth_estimators),
        points=lookup("scales/{scale}/truth/points", within=config),
        code=asking(JOBS.truth_code),
    shell:
        "python -m aevb compare-estimators --record {input.record:q}"
        " --settings {params.settings:q} --latent-dim {wildcards.latent_dim}"
        " --estimators {params.estimators:q} --points {params.points}"
        " --output {output.table:q} --threads {threads} --log {log:q}"


rule compare_estimators_untrained:
    input:
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=f"{TRUTH_UNTRAINED}/estimators.csv",
    log:
        f"{TRUTH_UNTRAINED}/logs/estimators.log",
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        settings=asking(JOBS.truth_network),
        estimators=asking(JOBS.network_truth_estimators),
        points=lookup("scales/{scale}/truth/points", within=config),
        code=asking(JOBS.truth_code),
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
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="2h",
    params:
        estimators=asking(JOBS.network_truth_estimators),
        points=lookup("scales/{scale}/truth/points", within=config),
        code=asking(JOBS.truth_code),
    shell:
        "python -m aevb compare-estimators --record {input.record:q} --weights {input.weights:q}"
        " --estimators {params.estimators:q} --points {params.points}"
        " --output {output.table:q} --threads {threads} --log {log:q}"
