# Speed of this machine; no result depends on it.


rule bench:
    input:
        records=expand(f"{CACHE}/{{dataset}}.json", dataset=FIG2["latent_dims"]),
    output:
        speed="results/bench/speed.csv",
        likelihood="results/bench/likelihood.csv",
        overhead="results/bench/overhead.csv",
        machine="results/bench/machine.json",
    log:
        "results/bench/bench.log",
    conda:
        "../../envs/aevb.yaml"
    threads: os.cpu_count()
    resources:
        mem_mb=6000,
        runtime="1h",
    params:
        folder=subpath(output.speed, parent=True),
        cache=lambda wildcards, input: Path(input.records[0]).parent,
        what="",
    shell:
        "python -m aevb bench {params.what} --output {params.folder:q}"
        " --cache-dir {params.cache:q} --log {log:q}"


# The same for what others would have written.
use rule bench as bench_peers with:
    output:
        table="results/bench/peers.csv",
        machine="results/bench/peers.json",
    log:
        "results/bench/peers.log",
    params:
        folder=subpath(output.table, parent=True),
        cache=lambda wildcards, input: Path(input.records[0]).parent,
        what="--peers",
