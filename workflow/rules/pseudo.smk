"""Stage pseudo: test and unlabelled rows whose label a fold's own models agree on.

Needs:    results/predict/{task}/ of the round before, results/folds/{task}/external/ of unlabelled files
Makes:    results/pseudo/{task}/round{round}/fold{fold}.parquet
"""


rule pseudo:
    """The pseudo-labels of every round and fold."""
    input:
        expand(
            "results/pseudo/{task}/round{round}/fold{fold}.parquet",
            task=TASK,
            round=range(1, plan.rounds + 1),
            fold=FOLDS,
        ),


rule label_test_rows:
    """Choose the pseudo-labels that one fold is trained with."""
    input:
        unpack(unlabelled_votes),
        test_folds=votes,
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/pseudo/{task}/round{round}/fold{fold}.parquet",
    log:
        "results/logs/pseudo/{task}/round{round}/fold{fold}.log",
    benchmark:
        "results/benchmarks/pseudo/{task}/round{round}/fold{fold}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plan.pseudo(int(w.fold)),
        code=plan.code("pseudo"),
    message:
        "pseudo-labels of round {wildcards.round}, fold {wildcards.fold}"
    script:
        "../../scripts/pseudo.py"
