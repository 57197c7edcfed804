"""Stage ensemble: members become one prediction.

Needs:    results/predict/{task}/
Makes:    results/ensemble/{task}/{method}/oof.parquet, test.parquet, test_folds.parquet, fit.json
"""


rule ensemble:
    """Every ensemble."""
    input:
        [
            f"results/ensemble/{task}/{method}/fit.json"
            for task, plan in plans.items()
            for method in plan.ensembles()
        ],


rule combine_members:
    """Combine the members by one method; its score is cross-fitted."""
    input:
        unpack(figures_files),
        oof=lambda w: last_predictions(w, "oof"),
        test=lambda w: last_predictions(w, "test"),
        test_folds=lambda w: last_predictions(w, "test_folds"),
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        oof_out="results/ensemble/{task}/{method}/oof.parquet",
        test_out="results/ensemble/{task}/{method}/test.parquet",
        test_folds_out="results/ensemble/{task}/{method}/test_folds.parquet",
        fit="results/ensemble/{task}/{method}/fit.json",
    log:
        "results/logs/ensemble/{task}/{method}.log",
    benchmark:
        "results/benchmarks/ensemble/{task}/{method}.tsv"
    wildcard_constraints:
        method=one_of(plans.ensemble_names()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ensemble(w.method),
        code=plans.code("ensemble"),
    message:
        "ensemble: {wildcards.method}"
    script:
        "../../scripts/ensemble.py"


rule choose_ensemble:
    """Choose among the methods by score; the choice itself is cross-fitted."""
    input:
        unpack(figures_files),
        oof=lambda w: last_predictions(w, "oof"),
        test=lambda w: last_predictions(w, "test"),
        test_folds=lambda w: last_predictions(w, "test_folds"),
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        oof_out="results/ensemble/{task}/best/oof.parquet",
        test_out="results/ensemble/{task}/best/test.parquet",
        test_folds_out="results/ensemble/{task}/best/test_folds.parquet",
        fit="results/ensemble/{task}/best/fit.json",
    log:
        "results/logs/ensemble/{task}/best.log",
    benchmark:
        "results/benchmarks/ensemble/{task}/best.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ensemble(),
        code=plans.code("ensemble"),
    message:
        "ensemble: choose the best"
    script:
        "../../scripts/ensemble.py"
