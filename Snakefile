from snakemake.utils import min_version

min_version("9.19")


include: "workflow/rules/checkout.smk"


configfile: str(configuration_file("config.yaml"))


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/likelihood.smk"
include: "workflow/rules/section2.smk"
include: "workflow/rules/products.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/bench.smk"


rule all:
    default_target: True
    input:
        everything,
        AUDITED,


# A target for each part of the catalogue, and for the rows of Figure 2.
for target in catalogue.targets(OUTPUTS):

    rule:
        name:
            target
        input:
            partial(target_files, target),


onstart:
    start_fork_server()


onsuccess:
    report_left_out_data()


onerror:
    report_left_out_data()
