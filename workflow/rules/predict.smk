"""Stage predict: what each member says of every row.

Needs:    results/train/{task}/{member}/, results/text/{task}/, results/tokens/{task}/
Makes:    results/predict/{task}/{member}/round{round}/oof.parquet, test.parquet, test_folds.parquet,
          unlabelled/{part}.parquet
"""


rule predict:
    """Predictions of every member, in every round."""
    input:
        lambda w: [
            f"results/predict/{TASK}/{member}/round{number}/test.parquet"
            for member, number in rounds_in_use()
        ],
        settled_members("test.parquet"),


rule predict_rows:
    """Predict the test rows with the fold models; gather the held-out predictions."""
    input:
        unpack(test_models),
        texts=lambda w: f"{plan.tables(w.member)}/test.parquet",
        rows="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        fold_models=expand("results/train/{{task}}/{{member}}/round{{round}}/fold{fold}/model", fold=FOLDS),
        fold_oof=expand("results/train/{{task}}/{{member}}/round{{round}}/fold{fold}/oof.parquet", fold=FOLDS),
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
    threads: lambda w: plan.model(w.member).threads
    resources:
        gpu=lambda w: plan.gpus(w.member),
    params:
        block=lambda w: plan.predict(w.member),
        code=lambda w: plan.code_of_kind("predict", w.member),
    message:
        "predict with {wildcards.member}, round {wildcards.round}"
    script:
        "../../scripts/predict.py"


rule predict_unlabelled:
    """Predict the rows of an unlabelled file with the fold models, for pseudo-labels."""
    input:
        texts=lambda w: f"{plan.tables(w.member)}/{w.part}.parquet",
        placed="results/folds/{task}/external/{part}.parquet",
        labels="results/ingest/{task}/labels.json",
        fold_models=expand("results/train/{{task}}/{{member}}/round{{round}}/fold{fold}/model", fold=FOLDS),
    output:
        out="results/predict/{task}/{member}/round{round}/unlabelled/{part}.parquet",
    log:
        "results/logs/predict/{task}/{member}/round{round}_{part}.log",
    benchmark:
        "results/benchmarks/predict/{task}/{member}/round{round}_{part}.tsv"
    wildcard_constraints:
        part=one_of(plan.unlabelled_names()),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plan.model(w.member).threads
    resources:
        gpu=lambda w: plan.gpus(w.member),
    params:
        block=lambda w: plan.predict(w.member),
        code=lambda w: plan.code_of_kind("predict_unlabelled", w.member),
    message:
        "predict {wildcards.part} with {wildcards.member}, round {wildcards.round}"
    script:
        "../../scripts/predict_unlabelled.py"
