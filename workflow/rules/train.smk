"""Stage train: one process for each member, round and fold.

Needs:    results/ingest/, text/, tokens/, folds/, noise/, augment/, pseudo/
Makes:    results/train/{task}/{member}/round{round}/fold{fold}/; of members that learn several tasks together
          results/joint/{member}/round{round}/fold{fold}/
"""


rule train:
    """Every member's fold models, in every round."""
    input:
        lambda w: [
            f"{plans[task].fold_folder(member, number, fold)}/card.json"
            for task in TASKS
            for member, number in rounds_in_use(task)
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
    threads: lambda w: plans[w.task].model(w.member).threads
    resources:
        gpu=lambda w: places(plans[w.task].training_gpus(w.member)),
    params:
        block=lambda w: plans[w.task].train(w.member, int(w.round), int(w.fold)),
        code=lambda w: plans[w.task].code_of_kind("train", w.member),
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
    threads: lambda w: plans[w.task].model(w.member).threads
    resources:
        gpu=lambda w: places(plans[w.task].training_gpus(w.member)),
    params:
        block=lambda w: plans[w.task].refit(w.member, int(w.fold)),
        code=lambda w: plans[w.task].code_of_kind("refit", w.member),
    message:
        "refit {wildcards.member} on all rows, from fold {wildcards.fold}"
    script:
        "../../scripts/refit.py"


rule fuse_encoders:
    """Average the encoders of models of single tasks, for a member that starts from there."""
    input:
        models=encoders_to_fuse,
    output:
        out=directory("results/joint/{member}/round{round}/fold{fold}/fused"),
    log:
        "results/logs/joint/{member}/round{round}/fold{fold}.fused.log",
    benchmark:
        "results/benchmarks/joint/{member}/round{round}/fold{fold}.fused.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans.fuse(w.member),
        code=plans.code("fuse"),
    message:
        "average encoders for {wildcards.member}, round {wildcards.round}, fold {wildcards.fold}"
    script:
        "../../scripts/fuse.py"


rule train_joint_fold:
    """Train a member of several tasks without one fold of each, and predict that fold."""
    input:
        unpack(joint_files),
        unpack(joint_start),
    output:
        model=directory("results/joint/{member}/round{round}/fold{fold}/model"),
        oof="results/joint/{member}/round{round}/fold{fold}/oof.parquet",
        trained_on="results/joint/{member}/round{round}/fold{fold}/trained_on.parquet",
        card="results/joint/{member}/round{round}/fold{fold}/card.json",
    log:
        "results/logs/joint/{member}/round{round}/fold{fold}.log",
        steps="results/logs/joint/{member}/round{round}/fold{fold}.steps.csv",
    benchmark:
        "results/benchmarks/joint/{member}/round{round}/fold{fold}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans.joint(w.member).model(w.member).threads
    resources:
        gpu=lambda w: places(plans.joint(w.member).training_gpus(w.member)),
    params:
        block=lambda w: plans.train_joint(w.member, int(w.round), int(w.fold)),
        code=lambda w: plans.joint(w.member).code_of_kind("train_joint", w.member),
    message:
        "train {wildcards.member} on its tasks, round {wildcards.round}, fold {wildcards.fold}"
    script:
        "../../scripts/train_joint.py"


rule refit_joint_fold:
    """Go on with a fold's model over all rows of its tasks, for the test rows."""
    input:
        unpack(joint_files),
        start="results/joint/{member}/round{round}/fold{fold}/model",
    output:
        model=directory("results/joint/{member}/round{round}/fold{fold}/refit"),
        trained_on="results/joint/{member}/round{round}/fold{fold}/refit_on.parquet",
    log:
        "results/logs/joint/{member}/round{round}/fold{fold}.refit.log",
        steps="results/logs/joint/{member}/round{round}/fold{fold}.refit.steps.csv",
    benchmark:
        "results/benchmarks/joint/{member}/round{round}/fold{fold}.refit.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans.joint(w.member).model(w.member).threads
    resources:
        gpu=lambda w: places(plans.joint(w.member).training_gpus(w.member)),
    params:
        block=lambda w: plans.refit_joint(w.member, int(w.fold)),
        code=lambda w: plans.joint(w.member).code_of_kind("refit_joint", w.member),
    message:
        "refit {wildcards.member} on all rows, from fold {wildcards.fold}"
    script:
        "../../scripts/refit_joint.py"
