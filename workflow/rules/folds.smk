"""Stage folds: which rows are held out together, and in which folds other files' rows may be trained on.

Needs:    results/ingest/{task}/
Makes:    results/folds/{task}/folds.parquet, external/{part}.parquet, external/{part}.json
"""


rule folds:
    """The folds, and the place of other files' rows in them."""
    input:
        expand("results/folds/{task}/folds.parquet", task=TASK),
        expand("results/folds/{task}/external/{part}.parquet", task=TASK, part=plan.other_names()),


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


rule place_external:
    """Remove other files' rows that resemble a test row; keep the rest from the folds that they resemble."""
    input:
        unpack(left_out),
        rows="results/ingest/{task}/{part}.parquet",
        train="results/ingest/{task}/train.parquet",
        test="results/ingest/{task}/test.parquet",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/folds/{task}/external/{part}.parquet",
        report="results/folds/{task}/external/{part}.json",
    log:
        "results/logs/folds/{task}/{part}.log",
    benchmark:
        "results/benchmarks/folds/{task}/{part}.tsv"
    wildcard_constraints:
        part=one_of(plan.other_names()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plan.place_external(w.part),
        code=plan.code("place_external"),
    message:
        "compare {wildcards.part} with the train and test rows"
    script:
        "../../scripts/place_external.py"
