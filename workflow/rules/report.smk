# What the report says of all figures together: findings, and where the numbers come from.


rule findings:
    input:
        tables=findings_inputs,
    output:
        table="results/{scale}/tables/findings.csv",
        page=report(
            "results/{scale}/tables/findings.html",
            caption="../report/findings.rst",
            category="Findings",
            labels=labels("paper and replication", "table", "all", "all", "all"),
        ),
    log:
        "results/{scale}/logs/findings.log",
    benchmark:
        "results/{scale}/logs/findings.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        folder=subpath(output.table, ancestor=2),
        code=code_hash("aevb.figures.findings"),
    shell:
        "python -m aevb table findings {params.folder:q} --output {output.table:q}"
        " --page {output.page:q} --log {log:q}"


rule runs_table:
    input:
        records=run_records,
    output:
        table="results/{scale}/tables/runs.csv",
        page=report(
            "results/{scale}/tables/runs.html",
            caption="../report/runs.rst",
            category="Provenance",
            labels=labels("training runs", "table", "all", "all", "all"),
        ),
    log:
        "results/{scale}/logs/runs.log",
    benchmark:
        "results/{scale}/logs/runs.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        code=code_hash("aevb.figures.runs"),
    shell:
        "python -m aevb table runs {input.records:q} --output {output.table:q}"
        " --page {output.page:q} --log {log:q}"
