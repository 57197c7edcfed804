"""Stage pseudo: test and unlabelled rows whose label a fold's own models agree on, and how long they help.

Needs:    results/predict/{task}/ of the rounds before, results/folds/{task}/external/ of unlabelled files
Makes:    results/pseudo/{task}/round{round}/fold{fold}.parquet, .json;
          with pseudo.until_helps results/predict/{task}/{member}/round{round}/verdict.json, settled/
"""


rule pseudo:
    """The pseudo-labels of every round and fold."""
    input:
        lambda w: [path for task in TASKS for path in pseudo_labels(task, "parquet")],


rule label_test_rows:
    """Choose the pseudo-labels that one fold is trained with."""
    input:
        unpack(unlabelled_votes),
        test_folds=lambda w: votes(w, "test_folds"),
        oof=lambda w: votes(w, "oof"),
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/pseudo/{task}/round{round}/fold{fold}.parquet",
        facts="results/pseudo/{task}/round{round}/fold{fold}.json",
    log:
        "results/logs/pseudo/{task}/round{round}/fold{fold}.log",
    benchmark:
        "results/benchmarks/pseudo/{task}/round{round}/fold{fold}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].pseudo(int(w.fold)),
        code=plans.code("pseudo"),
    message:
        "pseudo-labels of round {wildcards.round}, fold {wildcards.fold}"
    script:
        "../../scripts/pseudo.py"


checkpoint judge_round:
    """Judge whether a round helped a member; what is trained next depends on it."""
    input:
        unpack(verdict_before),
        before=lambda w: f"results/predict/{w.task}/{w.member}/round{int(w.round) - 1}/oof.parquet",
        after="results/predict/{task}/{member}/round{round}/oof.parquet",
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/predict/{task}/{member}/round{round}/verdict.json",
    log:
        "results/logs/predict/{task}/{member}/round{round}.verdict.log",
    benchmark:
        "results/benchmarks/predict/{task}/{member}/round{round}.verdict.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].verdict(),
        code=plans.code("pseudo_verdict"),
    message:
        "did round {wildcards.round} help {wildcards.member}?"
    script:
        "../../scripts/pseudo_verdict.py"


rule settle_rounds:
    """Put a member's predictions together, each fold's from the last round that helped it."""
    input:
        oof=lambda w: settled_files(w, "oof"),
        test_folds=lambda w: settled_files(w, "test_folds"),
        verdict=last_verdict,
        train="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        folds="results/folds/{task}/folds.parquet",
    output:
        oof_out="results/predict/{task}/{member}/settled/oof.parquet",
        test_out="results/predict/{task}/{member}/settled/test.parquet",
        test_folds_out="results/predict/{task}/{member}/settled/test_folds.parquet",
        facts="results/predict/{task}/{member}/settled/rounds.json",
    log:
        "results/logs/predict/{task}/{member}/settled.log",
    benchmark:
        "results/benchmarks/predict/{task}/{member}/settled.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].settle(w.member),
        code=plans.code("pseudo_settle"),
    message:
        "settle the rounds of {wildcards.member}"
    script:
        "../../scripts/pseudo_settle.py"
