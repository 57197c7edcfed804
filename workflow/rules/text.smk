"""Stage text: text views, each a list of normalisation steps.

Needs:    results/ingest/{task}/, results/augment/{task}/
Makes:    results/text/{task}/{view}/{part}.parquet
"""


rule text:
    """Every text view of the train and test rows."""
    input:
        expand(
            "results/text/{task}/{view}/{part}.parquet",
            task=TASK,
            view=list(plan.config.text.views),
            part=["train", "test"],
        ),


rule normalise_text:
    """Normalise the text of the train, test or augmented rows."""
    input:
        unpack(text_files),
    output:
        out="results/text/{task}/{view}/{part}.parquet",
    log:
        "results/logs/text/{task}/{view}/{part}.log",
    benchmark:
        "results/benchmarks/text/{task}/{view}/{part}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plan.text(w.view),
        code=plan.code("text"),
    message:
        "text view {wildcards.view} of {wildcards.part}"
    script:
        "../../scripts/text.py"
