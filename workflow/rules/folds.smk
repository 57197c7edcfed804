"""Stage folds: which rows are held out together.

Needs:    results/ingest/{task}/train.parquet
Makes:    results/folds/{task}/folds.parquet
"""


rule folds:
    """The folds."""
    input:
        expand("results/folds/{task}/folds.parquet", task=TASK),


rule deal_folds:
    """Deal rows to folds: stratified, near-duplicates and groups together."""
    input:
        train="results/ingest/{task}/train.parquet",
    output:
        out="results/folds/{task}/folds.parquet",
    log:
        "results/logs/folds/{task}.log",
    benchmark:
        "results/benchmarks/folds/{task}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=plan.make_folds(),
        code=plan.code("folds"),
    message:
        "deal rows to folds"
    script:
        "../../scripts/folds.py"
