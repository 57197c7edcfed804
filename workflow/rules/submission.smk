"""Stage submission: the file to hand in.

Needs:    results/decision/{task}/, results/ensemble/{task}/, the sample submission
Makes:    results/submission.csv
"""


rule submission:
    """The submission."""
    input:
        "results/submission.csv",


rule write_submission:
    """Write the submission in the sample's form and check it."""
    input:
        unpack(sample_file),
        predictions=f"results/decision/{plan.task}/test.parquet",
        proba=f"results/ensemble/{plan.task}/{plan.config.ensemble.submit}/test.parquet",
    output:
        submission="results/submission.csv",
    log:
        "results/logs/submission/submission.log",
    benchmark:
        "results/benchmarks/submission/submission.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=plan.submission(),
        code=plan.code("submission"),
    message:
        "write the submission"
    script:
        "../../scripts/submission.py"
