"""Stage predict: what each member says of every row.

Needs:    results/train/{task}/{member}/, results/text/{task}/, results/tokens/{task}/
Makes:    results/predict/{task}/{member}/round{round}/oof.parquet, test.parquet, test_folds.parquet,
          unlabelled/{part}.parquet
"""


rule predict:
    """Predictions of every member, in every round."""
    input:
        lambda w: [
            f"results/predict/{task}/{member}/round{number}/test.parquet"
            for task in TASKS
            for member, number in rounds_in_use(task)
        ],
        settled_members("test.parquet"),


rule predict_rows:
    """Predict the test rows with the fold models; gather the held-out predictions."""
    input:
        unpack(test_models),
        texts=lambda w: f"{plans[w.task].tables(w.member)}/test.parquet",
        rows="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        fold_models=lambda w: fold_files(w, "model"),
        fold_oof=lambda w: fold_files(w, "oof.parquet"),
    output:
        oof="results/predict/{task}/{member}/round{round}/oof.parquet",
        test="results/predict/{task}/{member}/round{round}/test.parquet",
        test_folds="results/predict/{task}/{member}/round{round}/test_folds.parquet",
    log:
        "results/logs/predict/{task}/{member}/round{round}.log",
    benchmark:
        "results/benchmarks/predict/{task}/{member}/round{round}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans[w.task].model(w.member).threads
    resources:
        gpu=lambda w: places(plans[w.task].gpus(w.member)),
    params:
        block=lambda w: plans[w.task].predict(w.member),
        code=lambda w: plans[w.task].code_of_kind("predict", w.member),
    message:
        "predict with {wildcards.member}, round {wildcards.round}"
    script:
        "../../scripts/predict.py"


rule predict_unlabelled:
    """Predict the rows of an unlabelled file with the fold models, for pseudo-labels."""
    input:
        texts=lambda w: f"{plans[w.task].tables(w.member)}/{w.part}.parquet",
        placed="results/folds/{task}/external/{part}.parquet",
        labels="results/ingest/{task}/labels.json",
        fold_models=lambda w: fold_files(w, "model"),
    output:
        out="results/predict/{task}/{member}/round{round}/unlabelled/{part}.parquet",
    log:
        "results/logs/predict/{task}/{member}/round{round}_{part}.log",
    benchmark:
        "results/benchmarks/predict/{task}/{member}/round{round}_{part}.tsv"
    wildcard_constraints:
        part=one_of(plans.unlabelled_names()),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans[w.task].model(w.member).threads
    resources:
        gpu=lambda w: places(plans[w.task].gpus(w.member)),
    params:
        block=lambda w: plans[w.task].predict(w.member),
        code=lambda w: plans[w.task].code_of_kind("predict_unlabelled", w.member),
    message:
        "predict {wildcards.part} with {wildcards.member}, round {wildcards.round}"
    script:
        "../../scripts/predict_unlabelled.py"
