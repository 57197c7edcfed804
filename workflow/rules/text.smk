"""Stage text: text views, each a list of normalisation steps.

Needs:    results/ingest/{task}/, results/augment/{task}/
Makes:    results/text/{task}/{view}/{part}.parquet, results/text/{task}/{view}.changes.parquet
"""


rule text:
    """Every text view of the train and test rows, and what each step did."""
    input:
        [
            f"results/text/{task}/{name}"
            for task, plan in plans.items()
            for view in plan.config.text.views
            for name in (f"{view}/train.parquet", f"{view}/test.parquet", f"{view}.changes.parquet")
        ],


rule normalise_text:
    """Normalise the text of the train, test, augmented or other rows."""
    input:
        unpack(text_files),
    output:
        out="results/text/{task}/{view}/{part}.parquet",
    log:
        "results/logs/text/{task}/{view}/{part}.log",
    benchmark:
        "results/benchmarks/text/{task}/{view}/{part}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    params:
        block=lambda w: plans[w.task].text(w.view),
        code=plans.code("text"),
    message:
        "text view {wildcards.view} of {wildcards.part}"
    script:
        "../../scripts/text.py"


rule show_changes:
    """Show how many rows each step of a view changed, and some of them before and after."""
    input:
        unpack(text_changes_files),
    output:
        out="results/text/{task}/{view}.changes.parquet",
    log:
        "results/logs/text/{task}/{view}.changes.log",
    benchmark:
        "results/benchmarks/text/{task}/{view}.changes.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    params:
        block=lambda w: plans[w.task].text_changes(w.view),
        code=plans.code("text_changes"),
    message:
        "changes of text view {wildcards.view}"
    script:
        "../../scripts/text_changes.py"
