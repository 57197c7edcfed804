"""Stage submission: the file to hand in.

Needs:    results/decision/{task}/, results/ensemble/{task}/, the sample submission
Makes:    results/submission.csv; of several tasks results/submission/{file} and results/submission.zip
"""


rule submission:
    """The submission."""
    input:
        plans.submission,


rule write_submission:
    """Write the submission in the sample's form and check it."""
    input:
        unpack(sample_file),
        predictions=of_task("results/decision/{task}/test.parquet"),
        proba=of_task("results/ensemble/{task}/{submit}/test.parquet"),
    output:
        submission=SUBMISSION,
    log:
        "results/logs/submission/submission.log" if plans.alone else "results/logs/submission/{file}.log",
    benchmark:
        "results/benchmarks/submission/submission.tsv"
        if plans.alone
        else "results/benchmarks/submission/{file}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[its_task(w)].submission(),
        code=plans.code("submission"),
    message:
        "write the submission"
    script:
        "../../scripts/submission.py"


if not plans.alone:

    rule pack_submission:
        """Put the files of all tasks into one archive."""
        input:
            files=plans.submission_files(),
        output:
            out="results/submission.zip",
        log:
            "results/logs/submission/pack.log",
        benchmark:
            "results/benchmarks/submission/pack.tsv"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            code=plans.code("submission_pack"),
        message:
            "pack the submission"
        script:
            "../../scripts/submission_pack.py"
