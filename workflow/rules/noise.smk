"""Stage noise: doubtful labels, found by cross-validation; a person's word on single rows.

Needs:    results/ingest/{task}/, results/text/{task}/ or tokens/{task}/, results/folds/{task}/; data/overrides.csv if there
Makes:    results/noise/{task}/proba/{judge}/{split}.parquet, fold{fold}.parquet, review.csv, summary.json, overrides.parquet
"""


rule noise:
    """The judged labels of every fold, the review and its summary."""
    input:
        expand("results/noise/{task}/{name}", task=plans.judged(), name=["review.csv", "summary.json"]),


rule read_overrides:
    """Check a person's word on single rows."""
    input:
        table=lambda w: plans.config.noise.overrides or [],
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
    output:
        out="results/noise/{task}/overrides.parquet",
    log:
        "results/logs/noise/{task}/overrides.log",
    benchmark:
        "results/benchmarks/noise/{task}/overrides.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].read_overrides(),
        code=plans.code("noise_overrides"),
    message:
        "read the overrides"
    script:
        "../../scripts/noise_overrides.py"


rule predict_for_noise:
    """Cross-validate a model: inside the training part of one fold, without that fold's rows, or over all rows."""
    input:
        unpack(judge_files),
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/noise/{task}/proba/{judge}/{split}.parquet",
    log:
        "results/logs/noise/{task}/proba/{judge}/{split}.log",
    benchmark:
        "results/benchmarks/noise/{task}/proba/{judge}/{split}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans[w.task].noise_proba(w.judge, w.split)["threads"]
    resources:
        gpu=lambda w: places(plans[w.task].judge_gpus(w.judge)),
    params:
        block=lambda w: plans[w.task].noise_proba(w.judge, w.split),
        code=lambda w: plans[w.task].judge_code("noise_proba", w.judge),
    message:
        "cross-validate {wildcards.judge} for the noise stage, {wildcards.split}"
    script:
        "../../scripts/noise_proba.py"


rule judge_labels:
    """Judge the labels outside one fold."""
    input:
        unpack(overrides_file),
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
        proba=lambda w: plans[w.task].judging_files(int(w.fold)),
    output:
        out="results/noise/{task}/fold{fold}.parquet",
        facts="results/noise/{task}/fold{fold}.json",
    log:
        "results/logs/noise/{task}/fold{fold}.log",
    benchmark:
        "results/benchmarks/noise/{task}/fold{fold}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].noise(int(w.fold)),
        code=plans.code("noise"),
    message:
        "judge the labels outside fold {wildcards.fold}"
    script:
        "../../scripts/noise.py"


rule compare_rows:
    """Find equal and nearly equal texts with different labels, and texts unlike all others."""
    input:
        unpack(overrides_file),
        train="results/ingest/{task}/train.parquet",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/noise/{task}/rows.parquet",
    log:
        "results/logs/noise/{task}/rows.log",
    benchmark:
        "results/benchmarks/noise/{task}/rows.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].noise_rows(),
        code=plans.code("noise_rows"),
    message:
        "compare the rows' texts and labels"
    script:
        "../../scripts/noise_rows.py"


rule review_labels:
    """One line for each row, the most doubtful label first, and the stage's figures."""
    input:
        unpack(overrides_file),
        train="results/ingest/{task}/train.parquet",
        tables=expand("results/noise/{{task}}/fold{fold}.parquet", fold=FOLDS),
        facts=expand("results/noise/{{task}}/fold{fold}.json", fold=FOLDS),
        beside="results/noise/{task}/rows.parquet",
    output:
        out=report(
            "results/noise/{task}/review.csv",
            caption="../report/noise.rst",
            category="Doubtful labels",
        ),
        summary="results/noise/{task}/summary.json",
    log:
        "results/logs/noise/{task}/review.log",
    benchmark:
        "results/benchmarks/noise/{task}/review.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].noise_review(),
        code=plans.code("noise_review"),
    message:
        "gather the judged labels for review"
    script:
        "../../scripts/noise_review.py"
