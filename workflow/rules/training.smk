# Select the step size for a data set and an algorithm, then train each experiment. A training job
# that is killed goes on from its checkpoint, which lies outside the outputs because Snakemake
# deletes those of a failed job.


rule select_step_size:
    input:
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=f"{SELECTION}/step_size.csv",
    log:
        f"{SELECTION}/logs/step_size.log",
    # Figure 2 before Figure 3.
    priority: 1
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1800,
        runtime="24h",
    params:
        settings=asking(JOBS.selection),
        code=code_hash("aevb.training.experiment"),
    shell:
        "python -m aevb select-step-size {params.settings:q} --record {input.record:q}"
        " --output {output.table:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS/$(dirname {output.table:q})/step_size"'
        " --threads {threads} --log {log:q}"


rule train:
    input:
        record=f"{CACHE}/{{dataset}}.json",
        step_size=f"{SELECTION}/step_size.csv",
    output:
        curve=f"{RUN}/curve.csv",
        run=f"{RUN}/run.json",
        weights=f"{RUN}/weights.safetensors",
    log:
        f"{RUN}/logs/train.log",
    priority: 1
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1800,
        runtime="24h",
    params:
        settings=asking(JOBS.training),
        snapshots=snapshot_option,
        code=code_hash("aevb.training.experiment"),
    shell:
        "python -m aevb train --settings {params.settings:q} --record {input.record:q}"
        " --step-size-table {input.step_size:q} --curve {output.curve:q}"
        " --run-record {output.run:q} --weights {output.weights:q} {params.snapshots}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS/$(dirname {output.curve:q})"'
        " --threads {threads} --log {log:q}"


# Figure 2 further along its axis, with few seeds.


use rule train as train_long with:
    output:
        curve=f"{RUN}_long/curve.csv",
        run=f"{RUN}_long/run.json",
        weights=f"{RUN}_long/weights.safetensors",
    log:
        f"{RUN}_long/logs/train.log",
    priority: 0
    params:
        settings=asking(JOBS.long_training),
        snapshots="",
        code=code_hash("aevb.training.experiment"),


# One setting of the protocol study on one panel, with all seeds and step sizes side by side.


rule protocol_run:
    input:
        record=f"{CACHE}/{{dataset}}.json",
    output:
        curves=f"results/{{scale}}/protocol_study/{PROTOCOL_RUN}.csv",
    log:
        f"results/{{scale}}/logs/protocol_study/{PROTOCOL_RUN}.log",
    wildcard_constraints:
        stage="[a-z0-9_]+",
        setting="[a-z0-9_.]+",
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="24h",
    params:
        settings=asking(JOBS.protocol_run),
        code=code_hash("aevb.training.protocol_study"),
    shell:
        "python -m aevb protocol-run"
        f" {PROTOCOL_RUN.replace('{', '{wildcards.')}"
        " --settings {params.settings:q} --record {input.record:q} --output {output.curves:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS/$(dirname {output.curves:q})/{wildcards.setting}"'
        " --threads {threads} --log {log:q}"


# Figure 3's networks and numbers of training images; the parameters along training are kept.


use rule select_step_size as select_step_size_fig3 with:
    output:
        table=f"{SELECTION_FIG3}/step_size.csv",
    log:
        f"{SELECTION_FIG3}/logs/step_size.log",
    priority: 0


use rule train as train_fig3 with:
    input:
        record=f"{CACHE}/{{dataset}}.json",
        step_size=f"{SELECTION_FIG3}/step_size.csv",
    output:
        curve=f"{RUN_FIG3}/curve.csv",
        run=f"{RUN_FIG3}/run.json",
        weights=f"{RUN_FIG3}/weights.safetensors",
        snapshots=f"{RUN_FIG3}/snapshots.safetensors",
    log:
        f"{RUN_FIG3}/logs/train.log",
    priority: 0
    resources:
        mem_mb=3000,
        runtime="24h",
