"""Stage adversarial: is test like train, how far do they overlap, and can the score be trusted?

Needs:    results/ingest/{task}/; for the score also results/folds/{task}/, ensemble/{task}/, decision/{task}/
Makes:    results/adversarial/{task}/facts.json, features.csv, overlap.parquet, train.parquet, test.parquet, shifted_cv.json
"""


rule adversarial:
    """Train and test compared, and what that means for the score."""
    input:
        trust_files(TASKS, "facts.json", "shifted_cv.json"),


rule compare_parts:
    """Tell test rows from training rows, and find those that stand in both."""
    input:
        train="results/ingest/{task}/train.parquet",
        test="results/ingest/{task}/test.parquet",
    output:
        facts="results/adversarial/{task}/facts.json",
        features=report(
            "results/adversarial/{task}/features.csv",
            caption="../report/adversarial.rst",
            category="Train and test",
        ),
        pairs="results/adversarial/{task}/overlap.parquet",
        train_out="results/adversarial/{task}/train.parquet",
        test_out="results/adversarial/{task}/test.parquet",
    log:
        "results/logs/adversarial/{task}/compare.log",
    benchmark:
        "results/benchmarks/adversarial/{task}/compare.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].compare_parts(),
        code=plans.code("adversarial"),
    message:
        "compare train and test"
    script:
        "../../scripts/adversarial.py"


rule weigh_score:
    """The submitted predictions' score on training rows that count by how like test rows they are; its warnings."""
    input:
        parts="results/adversarial/{task}/train.parquet",
        compared="results/adversarial/{task}/facts.json",
        score="results/decision/{task}/score.json",
        decided="results/decision/{task}/oof.parquet",
        oof=of_task("results/ensemble/{task}/{submit}/oof.parquet"),
        test=of_task("results/ensemble/{task}/{submit}/test.parquet"),
        train="results/ingest/{task}/train.parquet",
        folds="results/folds/{task}/folds.parquet",
        labels="results/ingest/{task}/labels.json",
    output:
        out="results/adversarial/{task}/shifted_cv.json",
    log:
        "results/logs/adversarial/{task}/shifted_cv.log",
    benchmark:
        "results/benchmarks/adversarial/{task}/shifted_cv.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].shifted_cv(),
        code=plans.code("shifted_cv"),
    message:
        "weigh the score by likeness to the test rows"
    script:
        "../../scripts/shifted_cv.py"
