# Every figure, table and page of the catalogue (src/aevb/catalogue): what it is drawn from, where no
# training run gives it, and what draws it.
for one in catalogue.rules(OUTPUTS):

    rule:
        name:
            one.command.rule
        input:
            unpack(asking(one.read)),
            **{name: given(ROOT / path) for name, path in one.checkout_files.items()},
        output:
            **product_outputs(one),
        log:
            f"{one.log}.log",
        wildcard_constraints:
            **one.constraints,
        priority: one.command.priority
        conda:
            "../../envs/aevb.yaml"
        threads: 1
        resources:
            mem_mb=one.command.mem_mb,
            runtime=one.command.runtime,
        params:
            words=asking(one.words),
            name=one.product,
            code=one.code,
        shell:
            "python -m aevb {params.words} --log {log:q}"
