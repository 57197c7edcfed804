"""Stage scores: every score in one table.

Needs:    results/predict/, results/ensemble/, results/decision/, results/folds/
Reads, where they are: results/benchmarks/, results/logs/ and results/train/, for scores.csv
Makes:    results/scores.csv, results/scores.json
"""


rule scores:
    """The table of scores."""
    input:
        "results/scores.csv",


rule score_all:
    """Score members, ensembles and the decision on held-out rows."""
    input:
        unpack(settled_rounds),
        oof=lambda w: all_rounds("oof"),
        tests=lambda w: all_rounds("test"),
        tests_folds=lambda w: all_rounds("test_folds"),
        ensembles=expand("results/ensemble/{task}/{method}/fit.json", task=TASK, method=plan.ensembles()),
        ensembles_oof=expand(
            "results/ensemble/{task}/{method}/oof.parquet", task=TASK, method=plan.ensembles()
        ),
        ensembles_test=expand(
            "results/ensemble/{task}/{method}/test.parquet", task=TASK, method=plan.ensembles()
        ),
        ensembles_folds=expand(
            "results/ensemble/{task}/{method}/test_folds.parquet", task=TASK, method=plan.ensembles()
        ),
        decided=f"results/decision/{plan.task}/oof.parquet",
        decided_test=f"results/decision/{plan.task}/test.parquet",
        decided_folds=f"results/decision/{plan.task}/test_folds.parquet",
        decision=f"results/decision/{plan.task}/score.json",
        train=f"results/ingest/{plan.task}/train.parquet",
        test=f"results/ingest/{plan.task}/test.parquet",
        labels=f"results/ingest/{plan.task}/labels.json",
        folds=f"results/folds/{plan.task}/folds.parquet",
    output:
        table="results/scores.csv",
        facts="results/scores.json",
    log:
        "results/logs/scores/scores.log",
    benchmark:
        "results/benchmarks/scores/scores.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=plan.scores(),
        code=plan.code("scores"),
    message:
        "score members, ensembles and decision"
    script:
        "../../scripts/scores.py"
