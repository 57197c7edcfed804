"""Podium: a text competition from raw files to results/submission.csv.

The map of the workflow: the config comes in here, then the targets that a person asks for, then one file of rules for
each stage in the order of the data's way. Each stage's name is a target, too: `snakemake noise`.
"""

from podium.yamlcheck import check_yaml

for path in workflow.overwrite_configfiles:
    check_yaml(str(path))

# A config file that names tasks is complete by itself; others are laid over config.yaml.
if "tasks" not in config:
    check_yaml("config.yaml")

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/rounds.smk"
include: "workflow/rules/run.smk"


rule all:
    """The submission, all scores, the noise review, what views changed, the summary, the page (the default)."""
    input:
        plans.submission,
        "results/report/summary.txt",
        "results/report/index.html",
        "results/scores.csv",
        expand("results/noise/{task}/review.csv", task=plans.judged()),
        trust_files(TASKS, "facts.json", "shifted_cv.json"),
        [
            f"results/text/{task}/{view}.changes.parquet"
            for task, plan in plans.items()
            for view in plan.views_in_use()
        ],


rule clean_results:
    """Remove everything in results/; data/ stays."""
    log:
        "results/logs/clean_results.log",
    benchmark:
        "results/benchmarks/clean_results.tsv"
    conda:
        "envs/cpu.yaml"
    script:
        "scripts/clean_results.py"


include: "workflow/rules/fetch.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/text.smk"
include: "workflow/rules/tokens.smk"
include: "workflow/rules/folds.smk"
include: "workflow/rules/noise.smk"
include: "workflow/rules/augment.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/pseudo.smk"
include: "workflow/rules/ensemble.smk"
include: "workflow/rules/span.smk"
include: "workflow/rules/decision.smk"
include: "workflow/rules/submission.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/adversarial.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/check_holdout.smk"


onstart:
    if workflow.is_main_process:
        take_run_lock(workflow.dag_settings.targets)
        note_start(workflow)


onsuccess:
    end_record(ok=True)
    live_notes.end(Path("."), ok=True, log=log[0] if log else None)
    show_results(workflow.dag_settings.targets)


onerror:
    end_record(ok=False)
    live_notes.end(Path("."), ok=False, log=log[0] if log else None)
    show_errors()
