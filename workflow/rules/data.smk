# Data sets: fetched, verified, kept in the cache. Downstream rules ask the record whether the
# data could be had.


checkpoint fetch:
    output:
        record=f"{CACHE}/{{dataset}}.json",
    log:
        "results/logs/fetch/{dataset}.log",
    retries: 1
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        definition=asking(JOBS.definition),
        attempt=fetch_attempt,
        code=code_hash("aevb.data"),
    shell:
        "python -m aevb fetch {wildcards.dataset} --record {output.record:q}"
        " --definition {params.definition:q} --attempt {params.attempt:q} --log {log:q}"
