"""Stage report: the short summary that a run ends with.

Needs:    results/scores.json, results/submission.csv, results/ingest/{task}/profile.json, results/adversarial/{task}/,
          results/pretrain/{task}/
Makes:    results/report/summary.txt
"""


rule report:
    """The summary."""
    input:
        "results/report/summary.txt",


rule write_summary:
    """Sum up scores, submission and what to try next."""
    input:
        scores="results/scores.json",
        submission="results/submission.csv",
        predicted=f"results/decision/{plan.task}/test.parquet",
        profile=f"results/ingest/{plan.task}/profile.json",
        trust=trust_files("facts.json", "shifted_cv.json"),
        pseudo=lambda w: pseudo_labels("json"),
        pretrained=pretrain_facts(),
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
