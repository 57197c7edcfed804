"""Stage scores: every score in one table.

Needs:    results/predict/, results/ensemble/, results/decision/
Makes:    results/scores/{task}/scores.csv, scores.json
"""


rule scores:
    """The table of scores."""
    input:
        expand("results/scores/{task}/scores.csv", task=TASK),


rule score_all:
    """Score members, ensembles and the decision on held-out rows."""
    input:
        oof=all_oof,
        ensembles=expand("results/ensemble/{{task}}/{method}/fit.json", method=plan.ensembles()),
        decision="results/decision/{task}/score.json",
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        table="results/scores/{task}/scores.csv",
        facts="results/scores/{task}/scores.json",
    log:
        "results/logs/scores/{task}.log",
    benchmark:
        "results/benchmarks/scores/{task}.tsv"
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
