"""Stage decision: probabilities become labels.

Needs:    results/ensemble/{task}/
Makes:    results/decision/{task}/oof.parquet, test.parquet, test_folds.parquet, fit.json, score.json
"""


rule decision:
    """The decided labels."""
    input:
        expand("results/decision/{task}/score.json", task=TASKS),


rule decide_labels:
    """Decide each row's label, tuned for the metric; the score is cross-fitted."""
    input:
        oof=of_task("results/ensemble/{task}/{submit}/oof.parquet"),
        test=of_task("results/ensemble/{task}/{submit}/test.parquet"),
        test_folds=of_task("results/ensemble/{task}/{submit}/test_folds.parquet"),
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        oof_out="results/decision/{task}/oof.parquet",
        test_out="results/decision/{task}/test.parquet",
        test_folds_out="results/decision/{task}/test_folds.parquet",
        fit="results/decision/{task}/fit.json",
        score="results/decision/{task}/score.json",
    log:
        "results/logs/decision/{task}.log",
    benchmark:
        "results/benchmarks/decision/{task}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].decision(),
        code=plans.code("decision"),
    message:
        "decide labels"
    script:
        "../../scripts/decision.py"
