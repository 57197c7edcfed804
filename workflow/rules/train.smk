"""Stage train: one process for each member, round and fold.

Needs:    results/ingest/, text/, tokens/, folds/, noise/, augment/, pseudo/
Makes:    results/train/{task}/{member}/round{round}/fold{fold}/
"""


rule train:
    """Every member's fold models, in every round."""
    input:
        lambda w: [
            f"results/train/{TASK}/{member}/round{number}/fold{fold}/card.json"
            for member, number in rounds_in_use()
            for fold in FOLDS
        ],


rule train_fold:
    """Train a member without one fold, and predict that fold."""
    input:
        unpack(train_files),
        unpack(teacher_file),
        rows="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        model=directory("results/train/{task}/{member}/round{round}/fold{fold}/model"),
        oof="results/train/{task}/{member}/round{round}/fold{fold}/oof.parquet",
        trained_on="results/train/{task}/{member}/round{round}/fold{fold}/trained_on.parquet",
        card="results/train/{task}/{member}/round{round}/fold{fold}/card.json",
    log:
        "results/logs/train/{task}/{member}/round{round}/fold{fold}.log",
        steps="results/logs/train/{task}/{member}/round{round}/fold{fold}.steps.csv",
    benchmark:
        "results/benchmarks/train/{task}/{member}/round{round}/fold{fold}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plan.model(w.member).threads
    resources:
        gpu=lambda w: plan.gpus(w.member),
    params:
        block=lambda w: plan.train(w.member, int(w.round), int(w.fold)),
        code=lambda w: plan.code_of_kind("train", w.member),
    message:
        "train {wildcards.member}, round {wildcards.round}, fold {wildcards.fold}"
    script:
        "../../scripts/train.py"


rule refit_fold:
    """Go on with a fold's model over all rows, for the test rows."""
    input:
        unpack(train_files),
        start="results/train/{task}/{member}/round{round}/fold{fold}/model",
        rows="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        model=directory("results/train/{task}/{member}/round{round}/fold{fold}/refit"),
        trained_on="results/train/{task}/{member}/round{round}/fold{fold}/refit_on.parquet",
    log:
        "results/logs/train/{task}/{member}/round{round}/fold{fold}.refit.log",
        steps="results/logs/train/{task}/{member}/round{round}/fold{fold}.refit.steps.csv",
    benchmark:
        "results/benchmarks/train/{task}/{member}/round{round}/fold{fold}.refit.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plan.model(w.member).threads
    resources:
        gpu=lambda w: plan.gpus(w.member),
    params:
        block=lambda w: plan.refit(w.member, int(w.fold)),
        code=lambda w: plan.code_of_kind("refit", w.member),
    message:
        "refit {wildcards.member} on all rows, from fold {wildcards.fold}"
    script:
        "../../scripts/refit.py"
