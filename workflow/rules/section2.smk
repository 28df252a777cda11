# What section 2 and the appendices B and F say without an experiment.
FULL_VB = RUN_FIG3.replace("{algorithm}", "full_vb")


rule study:
    input:
        records=asking(JOBS.study_records),
        step_sizes=study_step_sizes,
    output:
        table="results/{scale}/figures/{study}.csv",
    log:
        "results/{scale}/logs/{study}_curves.log",
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
        settings=asking(JOBS.study),
        records=record_options,
        step_sizes=step_size_options,
        folder=subpath(output.table, ancestor=2),
        code=code_hash("aevb.section2.study"),
    shell:
        "python -m aevb section2 study {params.settings:q} {params.records} {params.step_sizes}"
        " --output {output.table:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS"/{params.folder:q}/section2/{wildcards.study}'
        " --threads {threads} --log {log:q}"


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
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime="24h",
    params:
        settings=asking(JOBS.full_vb),
        map_settings=asking(JOBS.full_vb_map),
        points=lookup("scales/{scale}/section2/points", within=config),
        weight_draws=lookup("scales/{scale}/section2/weight_draws", within=config),
        code=code_hash("aevb.section2.weight_uncertainty", "aevb.training.experiment"),
    shell:
        "python -m aevb section2 full-vb {params.settings:q} {params.map_settings:q}"
        " --record {input.record:q} --step-size-table {input.step_size:q}"
        " --map-step-size-table {input.map_step_size:q}"
        " --points {params.points} --weight-draws {params.weight_draws}"
        " --output {output.table:q} --histogram {output.histogram:q} --pruning {output.pruning:q}"
        " --curve {output.curve:q} --weights {output.weights:q}"
        ' --checkpoint-dir "$AEVB_CHECKPOINTS/$(dirname {output.table:q})/full_vb"'
        " --threads {threads} --log {log:q}"
