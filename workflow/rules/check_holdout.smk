"""Stage check_holdout: the reported score beside the true one.

Needs:    results/submission.csv, results/scores.json, the holdout file
Makes:    results/check_holdout/report.json, summary.txt
"""


rule check_holdout:
    """The reported score beside the true one, where a hold-out is at hand."""
    input:
        "results/check_holdout/summary.txt",


rule compare_with_holdout:
    """Compare the submission with labels that no other rule reads."""
    input:
        submission="results/submission.csv",
        truth=holdout_file,
        score="results/scores.json",
        labels=f"results/ingest/{plan.task}/labels.json",
        train=f"results/ingest/{plan.task}/train.parquet",
        test=f"results/ingest/{plan.task}/test.parquet",
        decided=f"results/decision/{plan.task}/test.parquet",
        proba=f"results/ensemble/{plan.task}/{plan.config.ensemble.submit}/test.parquet",
    output:
        report="results/check_holdout/report.json",
        summary="results/check_holdout/summary.txt",
    log:
        "results/logs/check_holdout/check_holdout.log",
    benchmark:
        "results/benchmarks/check_holdout/check_holdout.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=plan.submission(),
        code=plan.code("check_holdout"),
    message:
        "compare the submission with the hold-out labels"
    script:
        "../../scripts/check_holdout.py"
