"""Stage check_holdout: the reported score beside the true one.

Needs:    results/submission.csv, results/scores.json, the holdout file
Makes:    results/check_holdout/report.json, summary.txt
"""


rule check_holdout:
    """The reported score beside the true one, where a hold-out is at hand."""
    input:
        "results/check_holdout/summary.txt",


if not plans.alone or not plans.spans:

    rule compare_with_holdout:
        """Compare the submission with labels that no other rule reads."""
        input:
            submission=lambda w: plans.submission_of(its_task(w)),
            truth=holdout_file,
            score=per_task("results/scores.json"),
            labels=of_task("results/ingest/{task}/labels.json"),
            train=of_task("results/ingest/{task}/train.parquet"),
            test=of_task("results/ingest/{task}/test.parquet"),
            decided=of_task("results/decision/{task}/test.parquet"),
            proba=of_task("results/ensemble/{task}/{submit}/test.parquet"),
        output:
            report=per_task("results/check_holdout/report.json"),
            summary=report(
                per_task("results/check_holdout/summary.txt"),
                caption="../report/check_holdout.rst",
                category="Hold-out",
            ),
        log:
            per_task("results/logs/check_holdout/check_holdout.log"),
        benchmark:
            per_task("results/benchmarks/check_holdout/check_holdout.tsv")
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans[its_task(w)].submission(),
            code=plans.code("check_holdout"),
        message:
            "compare the submission with the hold-out labels"
        script:
            "../../scripts/check_holdout.py"


if not plans.alone:

    rule check_competition:
        """The competition's reported score beside the true one."""
        input:
            reports=expand(per_task("results/check_holdout/report.json"), task=TASKS),
            summaries=expand(per_task("results/check_holdout/summary.txt"), task=TASKS),
            scores="results/scores.json",
        output:
            report="results/check_holdout/report.json",
            summary=report(
                "results/check_holdout/summary.txt",
                caption="../report/check_holdout.rst",
                category="Hold-out",
            ),
        log:
            "results/logs/check_holdout/competition.log",
        benchmark:
            "results/benchmarks/check_holdout/competition.tsv"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans.score_competition(),
            code=plans.code("check_holdout_competition"),
        message:
            "compare the competition's score with the true one"
        script:
            "../../scripts/check_holdout_competition.py"
