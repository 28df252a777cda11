from snakemake.utils import min_version

min_version("9.19")


include: "workflow/rules/checkout.smk"


configfile: str(configuration_file("config.yaml"))


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/likelihood.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/latent.smk"
include: "workflow/rules/applications.smk"
include: "workflow/rules/section2.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/bench.smk"


rule all:
    default_target: True
    input:
        everything,
        audit_files,


rule fig1:
    input:
        figure_files("fig1"),


rule fig2:
    input:
        figure_2,
        fig2_distance,


rule fig2_mnist:
    input:
        f"results/{config['scale']}/figures/fig2_mnist.pdf",


rule fig2_frey_face:
    input:
        f"results/{config['scale']}/figures/fig2_frey_face.pdf",


rule fig3:
    input:
        figure_3,
        fig3_tables,


rule fig4:
    input:
        figure_files("fig4"),


rule fig5:
    input:
        figure_files("fig5"),


rule projection:
    input:
        figure_files(*PROJECTIONS),


rule explorer:
    input:
        f"results/{config['scale']}/explorer.html",


rule applications:
    input:
        application_figures,
        applications_table,


rule section2:
    input:
        section2_figures,


rule estimators:
    input:
        estimators_figure,


rule variants:
    input:
        f"results/{config['scale']}/tables/variants.csv",


onsuccess:
    report_left_out_data()


onerror:
    report_left_out_data()
