"""Stage folds: which rows are held out together, and in which folds other files' rows may be trained on.

Needs:    results/ingest/{task}/
Makes:    results/folds/{task}/folds.parquet, external/{part}.parquet, external/{part}.json
"""


rule folds:
    """The folds, and the place of other files' rows in them."""
    input:
        expand("results/folds/{task}/folds.parquet", task=TASKS),
        [
            f"results/folds/{task}/external/{part}.parquet"
            for task, plan in plans.items()
            for part in plan.other_names()
        ],


if plans.alone:

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
        wildcard_constraints:
            task=one_of(TASKS),
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans[w.task].make_folds(),
            code=plans.code("folds"),
        message:
            "deal rows to folds"
        script:
            "../../scripts/folds.py"

else:

    rule deal_joint_folds:
        """Deal the rows of all tasks to folds at once: what resembles each other stays together across tasks."""
        input:
            train=expand("results/ingest/{task}/train.parquet", task=TASKS),
        output:
            out=expand("results/folds/{task}/folds.parquet", task=TASKS),
        log:
            "results/logs/folds/joint.log",
        benchmark:
            "results/benchmarks/folds/joint.tsv"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans.deal_joint_folds(),
            code=plans.code("folds_joint"),
        message:
            "deal the rows of all tasks to folds"
        script:
            "../../scripts/folds_joint.py"


rule place_external:
    """Remove other files' rows that resemble a test row; keep the rest from the folds that they resemble."""
    input:
        unpack(left_out),
        unpack(rows_beside),
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
        part=one_of([*plans.external_names(), *plans.unlabelled_names()]),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].place_external(w.part),
        code=plans.code("place_external"),
    message:
        "compare {wildcards.part} with the train and test rows"
    script:
        "../../scripts/place_external.py"
