"""Stage augment: rows made from train rows, each with its source.

Needs:    results/ingest/{task}/train.parquet, data/wordnet/
Makes:    results/augment/{task}/{method}.parquet
"""


rule augment:
    """Every augmentation of the config."""
    input:
        expand("results/augment/{task}/{method}.parquet", task=TASK, method=list(plan.config.augment)),


rule augment_rows:
    """Make new rows by one augmentation."""
    input:
        train="results/ingest/{task}/train.parquet",
        wordnet="data/wordnet/corpora/wordnet/data.noun",
    output:
        out="results/augment/{task}/{method}.parquet",
    log:
        "results/logs/augment/{task}/{method}.log",
    benchmark:
        "results/benchmarks/augment/{task}/{method}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plan.augment(w.method),
        code=plan.code("augment"),
    message:
        "augment: {wildcards.method}"
    script:
        "../../scripts/augment.py"
