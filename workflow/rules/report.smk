"""Stage report: the short summary that a run ends with.

Needs:    results/scores.json, the submission, results/ingest/{task}/profile.json, results/adversarial/{task}/,
          results/pretrain/
Makes:    results/report/summary.txt
"""


rule report:
    """The summary."""
    input:
        "results/report/summary.txt",


rule write_summary:
    """Sum up scores, submission and what to try next."""
    input:
        scores=per_task("results/scores.json"),
        submission=lambda w: plans.submission_of(its_task(w)),
        predicted=of_task("results/decision/{task}/test.parquet"),
        profile=of_task("results/ingest/{task}/profile.json"),
        trust=lambda w: trust_files([its_task(w)], "facts.json", "shifted_cv.json"),
        pseudo=lambda w: pseudo_labels(its_task(w), "json"),
        pretrained=pretrain_facts(),
    output:
        summary=per_task("results/report/summary.txt"),
    log:
        per_task("results/logs/report/summary.log"),
    benchmark:
        per_task("results/benchmarks/report/summary.tsv")
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[its_task(w)].report(),
        code=plans.code("report"),
    message:
        "write the summary"
    script:
        "../../scripts/report.py"


if not plans.alone:

    rule sum_up_competition:
        """The competition's score, then each task's summary."""
        input:
            scores="results/scores.json",
            summaries=expand(per_task("results/report/summary.txt"), task=TASKS),
            submission="results/submission.zip",
        output:
            summary="results/report/summary.txt",
        log:
            "results/logs/report/competition.log",
        benchmark:
            "results/benchmarks/report/competition.tsv"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: {"competition": plans.config.competition, "tasks": TASKS},
            code=plans.code("report_competition"),
        message:
            "write the summary"
        script:
            "../../scripts/report_competition.py"
