"""Stage report: the short summary that a run ends with.

Needs:    results/scores/, results/submission.csv, results/ingest/{task}/profile.json
Makes:    results/report/summary.txt
"""


rule report:
    """The summary."""
    input:
        "results/report/summary.txt",


rule write_summary:
    """Sum up scores, submission and what to try next."""
    input:
        scores=f"results/scores/{plan.task}/scores.json",
        submission="results/submission.csv",
        predicted=f"results/decision/{plan.task}/test.parquet",
        profile=f"results/ingest/{plan.task}/profile.json",
        pseudo=expand(
            "results/pseudo/{task}/round{round}/fold{fold}.parquet",
            task=TASK,
            round=range(1, plan.rounds + 1),
            fold=FOLDS,
        ),
    output:
        summary="results/report/summary.txt",
    log:
        "results/logs/report/summary.log",
    benchmark:
        "results/benchmarks/report/summary.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=plan.report(),
        code=plan.code("report"),
    message:
        "write the summary"
    script:
        "../../scripts/report.py"
