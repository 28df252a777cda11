# The manifest of all that was made, and the audit of the paper's claims on it. `audit` fails on
# a regression; the tables and the picture are made all the same.


rule manifest:
    input:
        results=record_files,
        records=all_records,
    output:
        manifest="results/{scale}/manifest.json",
    log:
        "results/{scale}/logs/manifest.log",
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        settings=asking(JOBS.configuration),
        folder=subpath(output.manifest, parent=True),
        records=record_options,
        code=code_hash("aevb.audit.manifest"),
    shell:
        "python -m aevb manifest --scale {wildcards.scale} --folder {params.folder:q}"
        " --settings {params.settings:q} {params.records} --log {log:q}"


rule audit_claims:
    input:
        manifest="results/{scale}/manifest.json",
        claims=given(configuration_file("claims.yaml")),
        reference=list(map(given, sorted(RESOURCES.glob("reference/*.csv")))),
    output:
        claims=report(
            "results/{scale}/audit/claims.csv",
            caption="../report/product.rst",
            category="Audit",
            labels={"figure": "claims", "format": "CSV"},
        ),
        page=report(
            "results/{scale}/audit/audit.html",
            caption="../report/product.rst",
            category="Audit",
            labels={"figure": "claims and record", "format": "page"},
        ),
        cases="results/{scale}/audit/cases.csv",
        record="results/{scale}/audit/record.csv",
        markdown="results/{scale}/audit/audit.md",
        verdicts="results/{scale}/audit/verdicts.md",
        junit="results/{scale}/audit/junit.xml",
    log:
        "results/{scale}/logs/audit.log",
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        settings=asking(JOBS.configuration),
        folder=subpath(input.manifest, parent=True),
        output=subpath(output.claims, parent=True),
        name="audit",
        code=code_hash("aevb.audit.checks", "aevb.audit.reports"),
    shell:
        "python -m aevb audit --scale {wildcards.scale} --folder {params.folder:q}"
        " --settings {params.settings:q} --claims {input.claims:q} --output {params.output:q}"
        " --report-only > {log:q} 2>&1"


rule audit:
    input:
        everything,
        AUDITED,
    log:
        f"results/{SETTINGS['scale']}/logs/verdict.log",
    localrule: True
    conda:
        "../../envs/aevb.yaml"
    params:
        settings=asking(JOBS.configuration),
        scale=SETTINGS["scale"],
        folder=str(RESULTS),
    shell:
        "python -m aevb audit --scale {params.scale} --folder {params.folder:q}"
        " --settings {params.settings:q} 2>&1 | tee {log:q}"
