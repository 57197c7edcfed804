"""Stage scores: every score in one table.

Needs:    results/predict/, results/ensemble/, results/decision/, results/folds/
Reads, where they are: results/benchmarks/, results/logs/ and results/train/, for scores.csv
Makes:    results/scores.csv, results/scores.json
"""


rule scores:
    """The table of scores."""
    input:
        "results/scores.csv",


if not plans.alone or not plans.spans:

    rule score_all:
        """Score members, ensembles and the decision on held-out rows."""
        input:
            unpack(settled_rounds),
            oof=lambda w: all_rounds(w, "oof"),
            tests=lambda w: all_rounds(w, "test"),
            tests_folds=lambda w: all_rounds(w, "test_folds"),
            ensembles=lambda w: all_ensembles(w, "fit.json"),
            ensembles_oof=lambda w: all_ensembles(w, "oof.parquet"),
            ensembles_test=lambda w: all_ensembles(w, "test.parquet"),
            ensembles_folds=lambda w: all_ensembles(w, "test_folds.parquet"),
            decided=of_task("results/decision/{task}/oof.parquet"),
            decided_test=of_task("results/decision/{task}/test.parquet"),
            decided_folds=of_task("results/decision/{task}/test_folds.parquet"),
            decision=of_task("results/decision/{task}/score.json"),
            train=of_task("results/ingest/{task}/train.parquet"),
            test=of_task("results/ingest/{task}/test.parquet"),
            labels=of_task("results/ingest/{task}/labels.json"),
            folds=of_task("results/folds/{task}/folds.parquet"),
        output:
            table=report(
                per_task("results/scores.csv"),
                caption="../report/scores.rst",
                category="Scores",
            ),
            facts=per_task("results/scores.json"),
        log:
            per_task("results/logs/scores/scores.log"),
        benchmark:
            per_task("results/benchmarks/scores/scores.tsv")
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans[its_task(w)].scores(),
            code=plans.code("scores"),
        message:
            "score members, ensembles and decision"
        script:
            "../../scripts/scores.py"


if not plans.alone:

    rule score_competition:
        """One table of all tasks' scores, and the competition's own."""
        input:
            tables=expand(per_task("results/scores.csv"), task=TASKS),
            facts=expand(per_task("results/scores.json"), task=TASKS),
        output:
            table=report(
                "results/scores.csv",
                caption="../report/scores.rst",
                category="Scores",
            ),
            out="results/scores.json",
        log:
            "results/logs/scores/competition.log",
        benchmark:
            "results/benchmarks/scores/competition.tsv"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans.score_competition(),
            code=plans.code("scores_competition"),
        message:
            "score the competition"
        script:
            "../../scripts/scores_competition.py"
