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
    benchmark:
        "results/{scale}/logs/manifest.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        settings=settings_json,
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
        reference=reference_numbers,
    output:
        claims=report(
            "results/{scale}/audit/claims.csv",
            caption="../report/audit.rst",
            category="Audit",
            labels=labels("claims", "CSV", "all", "all", "all"),
        ),
        page=report(
            "results/{scale}/audit/audit.html",
            caption="../report/audit.rst",
            category="Audit",
            labels=labels("claims and record", "table", "all", "all", "all"),
        ),
        cases="results/{scale}/audit/cases.csv",
        record="results/{scale}/audit/record.csv",
        markdown="results/{scale}/audit/audit.md",
        verdicts="results/{scale}/audit/verdicts.md",
        junit="results/{scale}/audit/junit.xml",
    log:
        "results/{scale}/logs/audit.log",
    benchmark:
        "results/{scale}/logs/audit.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        settings=settings_json,
        folder=subpath(input.manifest, parent=True),
        output=subpath(output.claims, parent=True),
        code=code_hash("aevb.audit.record", "aevb.audit.reports"),
    shell:
        "python -m aevb audit --scale {wildcards.scale} --folder {params.folder:q}"
        " --settings {params.settings:q} --claims {input.claims:q} --output {params.output:q}"
        " --report-only > {log:q} 2>&1"


rule draw_audit:
    input:
        claims="results/{scale}/audit/claims.csv",
    output:
        pdf=report(
            "results/{scale}/figures/audit.pdf",
            caption="../report/audit.rst",
            category="Audit",
            labels=labels("all verdicts", "PDF", "all", "all", "all"),
        ),
        png=report(
            "results/{scale}/figures/audit.png",
            caption="../report/audit.rst",
            category="Audit",
            labels=labels("all verdicts", "PNG", "all", "all", "all"),
        ),
        csv="results/{scale}/figures/audit.csv",
    log:
        "results/{scale}/logs/draw_audit.log",
    benchmark:
        "results/{scale}/logs/draw_audit.tsv"
    conda:
        "../../envs/aevb.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        stem=subpath(output.pdf, strip_suffix=".pdf"),
        note=figure_note,
        code=code_hash("aevb.figures.audit", "aevb.figures.style"),
    shell:
        "python -m aevb figure audit {input.claims:q} --output {params.stem:q}"
        " --note {params.note:q} --log {log:q}"


rule audit:
    input:
        everything,
        audit_files,
    log:
        f"results/{SETTINGS['scale']}/logs/verdict.log",
    localrule: True
    conda:
        "../../envs/aevb.yaml"
    params:
        settings=settings_json,
        scale=SETTINGS["scale"],
        folder=str(RESULTS),
    shell:
        "python -m aevb audit --scale {params.scale} --folder {params.folder:q}"
        " --settings {params.settings:q} 2>&1 | tee {log:q}"
