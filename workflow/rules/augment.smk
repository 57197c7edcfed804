"""Stage augment: rows made from train rows, each with its source and the filters' verdict.

Needs:    results/ingest/{task}/; folds/{task}/ and noise/{task}/overrides.parquet (label filter);
          data/wordnet/, encoders and models by kind
Makes:    results/augment/{task}/{method}.parquet, {method}/fold{fold}.parquet (label filter)
"""


rule augment:
    """Every augmentation of the config."""
    input:
        [
            f"results/augment/{task}/{method}.parquet"
            for task, plan in plans.items()
            for method in plan.config.augment
        ],
        judged_made(),


rule augment_rows:
    """Make new rows by one augmentation."""
    input:
        unpack(augment_files),
        train="results/ingest/{task}/train.parquet",
    output:
        out="results/augment/{task}/{method}.parquet",
    log:
        "results/logs/augment/{task}/{method}.log",
    benchmark:
        "results/benchmarks/augment/{task}/{method}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
        method=one_of(plans.changes_texts()),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans[w.task].augment_threads(w.method)
    resources:
        gpu=lambda w: places(plans[w.task].augment_gpus(w.method)),
    params:
        block=lambda w: plans[w.task].augment(w.method),
        code=lambda w: plans[w.task].code_of_augmentation("augment", w.method),
    message:
        "augment: {wildcards.method}"
    script:
        "../../scripts/augment.py"


rule judge_made_rows:
    """Judge the labels of made rows outside one fold, without that fold's rows."""
    input:
        unpack(overrides_file),
        made="results/augment/{task}/{method}.parquet",
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/augment/{task}/{method}/fold{fold}.parquet",
    log:
        "results/logs/augment/{task}/{method}/fold{fold}.log",
    benchmark:
        "results/benchmarks/augment/{task}/{method}/fold{fold}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].judge_made(w.method, int(w.fold)),
        code=plans.code("augment_labels", "podium/models/linear.py"),
    message:
        "judge the labels of what {wildcards.method} made outside fold {wildcards.fold}"
    script:
        "../../scripts/augment_labels.py"
