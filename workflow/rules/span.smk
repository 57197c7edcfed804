"""Span tasks: the stages in which answers in a text are not like labels. All others are shared.

Needs:    the competition's own files, results/folds/{task}/, results/augment/{task}/, an encoder's folder
Makes:    what the stages ingest, augment, train, predict, pseudo, ensemble, decision, scores and check_holdout make of
          other tasks; predictions are probabilities by character (podium/span/predictions.py)
"""


rule ingest_questions:
    """Check questions, contexts and the places of answers, and write them as a table."""
    input:
        questions=lambda w: task_of(w).train,
    output:
        out="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
        counts="results/ingest/{task}/train.counts.json",
    log:
        "results/logs/ingest/{task}_train.log",
    benchmark:
        "results/benchmarks/ingest/{task}_train.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ingest(),
        code=plans.code("ingest_questions"),
    message:
        "read and check the questions of train"
    script:
        "../../scripts/ingest_questions.py"


rule ingest_test_questions:
    """Check the questions to answer, and write them as a table."""
    input:
        unpack(sample_file),
        questions=lambda w: task_of(w).test,
    output:
        out="results/ingest/{task}/test.parquet",
        counts="results/ingest/{task}/test.counts.json",
    log:
        "results/logs/ingest/{task}_test.log",
    benchmark:
        "results/benchmarks/ingest/{task}_test.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ingest(),
        code=plans.code("ingest_questions"),
    message:
        "read and check the questions of test"
    script:
        "../../scripts/ingest_questions.py"


rule describe_questions:
    """Describe the questions: counts, lengths, contexts of train that stand in test."""
    input:
        train="results/ingest/{task}/train.parquet",
        test="results/ingest/{task}/test.parquet",
        counts=["results/ingest/{task}/train.counts.json", "results/ingest/{task}/test.counts.json"],
    output:
        profile="results/ingest/{task}/profile.json",
    log:
        "results/logs/ingest/{task}_profile.log",
    benchmark:
        "results/benchmarks/ingest/{task}_profile.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        code=plans.code("describe_questions"),
    message:
        "describe the questions"
    script:
        "../../scripts/describe_questions.py"


rule shuffle_contexts:
    """Make new rows: the sentences of the contexts in another order."""
    input:
        train="results/ingest/{task}/train.parquet",
    output:
        out="results/augment/{task}/{method}.parquet",
    log:
        "results/logs/augment/{task}/{method}.log",
    benchmark:
        "results/benchmarks/augment/{task}/{method}.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
        method=one_of(plans.shuffles()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].shuffle(w.method),
        code=plans.code("shuffle_contexts"),
    message:
        "augment: {wildcards.method}"
    script:
        "../../scripts/shuffle_contexts.py"


rule train_span_fold:
    """Train a member without one fold, and predict that fold."""
    input:
        unpack(span_files),
        rows="results/ingest/{task}/train.parquet",
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
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans[w.task].model(w.member).threads
    resources:
        gpu=lambda w: places(plans[w.task].training_gpus(w.member)),
    params:
        block=lambda w: plans[w.task].train(w.member, int(w.round), int(w.fold)),
        code=lambda w: plans[w.task].code_of_kind("train_span", w.member),
    message:
        "train {wildcards.member}, round {wildcards.round}, fold {wildcards.fold}"
    script:
        "../../scripts/train_span.py"


rule refit_span_fold:
    """Go on with a fold's reader over all questions, for the test questions."""
    input:
        unpack(span_files),
        start="results/train/{task}/{member}/round{round}/fold{fold}/model",
        rows="results/ingest/{task}/train.parquet",
        folds="results/folds/{task}/folds.parquet",
    output:
        model=directory("results/train/{task}/{member}/round{round}/fold{fold}/refit"),
        trained_on="results/train/{task}/{member}/round{round}/fold{fold}/refit_on.parquet",
    log:
        "results/logs/train/{task}/{member}/round{round}/fold{fold}.refit.log",
        steps="results/logs/train/{task}/{member}/round{round}/fold{fold}.refit.steps.csv",
    benchmark:
        "results/benchmarks/train/{task}/{member}/round{round}/fold{fold}.refit.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans[w.task].model(w.member).threads
    resources:
        gpu=lambda w: places(plans[w.task].training_gpus(w.member)),
    params:
        block=lambda w: plans[w.task].refit(w.member, int(w.fold)),
        code=lambda w: plans[w.task].code_of_kind("refit_span", w.member),
    message:
        "refit {wildcards.member} on all rows, from fold {wildcards.fold}"
    script:
        "../../scripts/refit_span.py"


rule predict_questions:
    """Predict the test questions with the fold models; gather the held-out predictions."""
    input:
        unpack(test_models),
        texts="results/ingest/{task}/test.parquet",
        rows="results/ingest/{task}/train.parquet",
        fold_models=lambda w: fold_files(w, "model"),
        fold_oof=lambda w: fold_files(w, "oof.parquet"),
    output:
        oof="results/predict/{task}/{member}/round{round}/oof.parquet",
        test="results/predict/{task}/{member}/round{round}/test.parquet",
        test_folds=expand(
            "results/predict/{{task}}/{{member}}/round{{round}}/test_fold{number}.parquet", number=FOLDS
        ),
    log:
        "results/logs/predict/{task}/{member}/round{round}.log",
    benchmark:
        "results/benchmarks/predict/{task}/{member}/round{round}.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans[w.task].model(w.member).threads
    resources:
        gpu=lambda w: places(plans[w.task].gpus(w.member)),
    params:
        block=lambda w: plans[w.task].predict(w.member),
        code=lambda w: plans[w.task].code_of_kind("predict_questions", w.member),
    message:
        "predict with {wildcards.member}, round {wildcards.round}"
    script:
        "../../scripts/predict_questions.py"


rule answer_test_questions:
    """Choose the answered test questions that one fold is trained with."""
    input:
        test_fold=lambda w: votes(w, f"test_fold{w.fold}"),
        oof=lambda w: votes(w, "oof"),
        train="results/ingest/{task}/train.parquet",
        test="results/ingest/{task}/test.parquet",
        folds="results/folds/{task}/folds.parquet",
    output:
        out="results/pseudo/{task}/round{round}/fold{fold}.parquet",
        facts="results/pseudo/{task}/round{round}/fold{fold}.json",
    log:
        "results/logs/pseudo/{task}/round{round}/fold{fold}.log",
    benchmark:
        "results/benchmarks/pseudo/{task}/round{round}/fold{fold}.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].pseudo(int(w.fold)),
        code=plans.code("answer_test_questions"),
    message:
        "pseudo-labels of round {wildcards.round}, fold {wildcards.fold}"
    script:
        "../../scripts/answer_test_questions.py"


rule combine_readers:
    """Average the members by one method; its score is cross-fitted."""
    input:
        oof=lambda w: last_predictions(w, "oof"),
        test=lambda w: last_predictions(w, "test"),
        train="results/ingest/{task}/train.parquet",
        folds="results/folds/{task}/folds.parquet",
    output:
        oof_out="results/ensemble/{task}/{method}/oof.parquet",
        test_out="results/ensemble/{task}/{method}/test.parquet",
        fit="results/ensemble/{task}/{method}/fit.json",
    log:
        "results/logs/ensemble/{task}/{method}.log",
    benchmark:
        "results/benchmarks/ensemble/{task}/{method}.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
        method=one_of(plans.ensemble_names()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ensemble(w.method),
        code=plans.code("combine_readers"),
    message:
        "ensemble: {wildcards.method}"
    script:
        "../../scripts/combine_readers.py"


rule choose_reader_ensemble:
    """Choose among the methods by score; the choice itself is cross-fitted."""
    input:
        oof=lambda w: last_predictions(w, "oof"),
        test=lambda w: last_predictions(w, "test"),
        train="results/ingest/{task}/train.parquet",
        folds="results/folds/{task}/folds.parquet",
    output:
        oof_out="results/ensemble/{task}/best/oof.parquet",
        test_out="results/ensemble/{task}/best/test.parquet",
        fit="results/ensemble/{task}/best/fit.json",
    log:
        "results/logs/ensemble/{task}/best.log",
    benchmark:
        "results/benchmarks/ensemble/{task}/best.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ensemble(),
        code=plans.code("combine_readers"),
    message:
        "ensemble: choose the best"
    script:
        "../../scripts/combine_readers.py"


rule decide_answers:
    """Decide each question's answer, or that it has none; the score is cross-fitted."""
    input:
        oof=of_task("results/ensemble/{task}/{submit}/oof.parquet"),
        test=of_task("results/ensemble/{task}/{submit}/test.parquet"),
        train="results/ingest/{task}/train.parquet",
        asked="results/ingest/{task}/test.parquet",
        folds="results/folds/{task}/folds.parquet",
    output:
        oof_out="results/decision/{task}/oof.parquet",
        test_out="results/decision/{task}/test.parquet",
        fit="results/decision/{task}/fit.json",
        score="results/decision/{task}/score.json",
    log:
        "results/logs/decision/{task}.log",
    benchmark:
        "results/benchmarks/decision/{task}.tsv"
    wildcard_constraints:
        task=one_of(plans.spans),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].decision(),
        code=plans.code("decide_answers"),
    message:
        "decide answers"
    script:
        "../../scripts/decide_answers.py"


if not plans.alone or plans.spans:

    rule score_answers:
        """Score members, ensembles and the decision on held-out questions."""
        input:
            oof=lambda w: all_rounds(w, "oof"),
            said=lambda w: all_rounds(w, "test"),
            alone=lambda w: all_rounds(w, *(f"test_fold{fold}" for fold in FOLDS)),
            ensembles=lambda w: all_ensembles(w, "fit.json"),
            ensembles_oof=lambda w: all_ensembles(w, "oof.parquet"),
            decided=of_task("results/decision/{task}/oof.parquet"),
            decision=of_task("results/decision/{task}/score.json"),
            train=of_task("results/ingest/{task}/train.parquet"),
            test=of_task("results/ingest/{task}/test.parquet"),
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
        wildcard_constraints:
            task=one_of(plans.spans),
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans[its_task(w)].scores(),
            code=plans.code("score_answers"),
        message:
            "score members, ensembles and decision"
        script:
            "../../scripts/score_answers.py"

    rule compare_answers_with_holdout:
        """Compare the submitted answers with true ones that no other rule reads."""
        input:
            submission=lambda w: plans.submission_of(its_task(w)),
            truth=holdout_file,
            score=per_task("results/scores.json"),
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
        wildcard_constraints:
            task=one_of(plans.spans),
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: plans[its_task(w)].check_holdout(),
            code=plans.code("check_answers"),
        message:
            "compare the submission with the hold-out answers"
        script:
            "../../scripts/check_answers.py"
