# Select the step size for a data set and an algorithm, then train each experiment. A training job that is killed goes on from its
# checkpoint, which lies outside the outputs because Snakemake deletes those of a failed job.


rule select_step_size:
    input:
        record=f"{CACHE}/{{dataset}}.json",
    output:
        table=f"{SELECTION}/step_size.csv",
    log:
        f"{SELECTION}/logs/step_size.log",
    benchmark:
        f"{SELECTION}/logs/step_size.tsv"
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1800,
        runtime="1h",
    params:
        settings=selection_settings,
        code=code_hash("aevb.experiment"),
    shell:
        "python -m aevb select-step-size {params.settings:q} --record {input.record:q}"
        " --output {output.table:q} --threads {threads} --log {log:q}"


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
    benchmark:
        f"{RUN}/logs/train.tsv"
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1800,
        runtime="24h",
    params:
        settings=training_settings,
        code=code_hash("aevb.experiment"),
    shell:
        "python -m aevb train --settings {params.settings:q} --record {input.record:q}"
        " --step-size-table {input.step_size:q} --curve {output.curve:q}"
        " --run-record {output.run:q} --weights {output.weights:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS/$(dirname {output.curve:q})"'
        " --threads {threads} --log {log:q}"
