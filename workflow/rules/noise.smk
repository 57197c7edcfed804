"""Stage noise: label issues found by nested cross-validation.

Needs:    results/ingest/{task}/, results/text/{task}/, results/folds/{task}/
Makes:    results/noise/{task}/fold{fold}.parquet, review.csv
"""


rule noise:
    """The judged labels of every fold and the review."""
    input:
        expand("results/noise/{task}/review.csv", task=plan.judged),


rule judge_labels:
    """Judge the labels outside one fold, without that fold's rows."""
    input:
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
        texts=f"results/text/{{task}}/{plan.config.noise.view}/train.parquet",
    output:
        out="results/noise/{task}/fold{fold}.parquet",
    log:
        "results/logs/noise/{task}/fold{fold}.log",
    benchmark:
        "results/benchmarks/noise/{task}/fold{fold}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plan.noise(int(w.fold)),
        code=plan.code("noise", "podium/models/linear.py"),
    message:
        "judge the labels outside fold {wildcards.fold}"
    script:
        "../../scripts/noise.py"


rule review_labels:
    """One line for each row, the most doubtful label first."""
    input:
        train="results/ingest/{task}/train.parquet",
        tables=expand("results/noise/{{task}}/fold{fold}.parquet", fold=FOLDS),
    output:
        out="results/noise/{task}/review.csv",
    log:
        "results/logs/noise/{task}/review.log",
    benchmark:
        "results/benchmarks/noise/{task}/review.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        code=plan.code("noise_review"),
    message:
        "gather the judged labels for review"
    script:
        "../../scripts/noise_review.py"
