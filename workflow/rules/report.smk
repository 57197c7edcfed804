"""Stage report: the short summary that a run ends with.

Needs:    results/scores.json, the submission, results/ingest/{task}/profile.json, results/adversarial/{task}/,
          results/pretrain/; for the page also results/predict/, ensemble/, decision/, train/, tokens/, noise/, augment/
          and pseudo/
Reads, where they are, for the page's figures of time: results/benchmarks/, results/logs/; results/check_holdout/
Makes:    results/report/summary.txt, results/report/figures/{task}.json, results/report/index.html
"""


rule report:
    """The summary, and the page."""
    input:
        "results/report/summary.txt",
        "results/report/index.html",


rule write_summary:
    """Sum up scores, submission and what to try next."""
    input:
        scores=per_task("results/scores.json"),
        submission=lambda w: plans.submission_of(its_task(w)),
        predicted=of_task("results/decision/{task}/test.parquet"),
        profile=of_task("results/ingest/{task}/profile.json"),
        trust=lambda w: trust_files([its_task(w)], "facts.json", "shifted_cv.json"),
        pseudo=lambda w: pseudo_labels(its_task(w), "json"),
        pretrained=pretrain_facts(),
    output:
        summary=report(
            per_task("results/report/summary.txt"),
            caption="../report/summary.rst",
            category="Summary",
        ),
    log:
        per_task("results/logs/report/summary.log"),
    benchmark:
        per_task("results/benchmarks/report/summary.tsv")
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[its_task(w)].report(),
        code=plans.code("report"),
    message:
        "write the summary"
    script:
        "../../scripts/report.py"


rule gather_figures:
    """Gather what the page shows of one task."""
    input:
        unpack(page_files),
        scores=per_task("results/scores.json"),
        profile="results/ingest/{task}/profile.json",
        train="results/ingest/{task}/train.parquet",
        test="results/ingest/{task}/test.parquet",
        labels="results/ingest/{task}/labels.json",
        decided="results/decision/{task}/oof.parquet",
        oof=lambda w: all_rounds(w, "oof"),
        ensembles=lambda w: all_ensembles(w, "oof.parquet"),
        fits=lambda w: all_ensembles(w, "fit.json"),
        models=lambda w: fold_models(w.task),
        pretrained=pretrain_facts(),
        pseudo=lambda w: pseudo_labels(w.task, "json"),
        trust=lambda w: trust_files([w.task], "facts.json", "shifted_cv.json"),
        made=lambda w: [
            f"results/augment/{w.task}/{method}.parquet" for method in plans[w.task].config.augment
        ],
    output:
        out="results/report/figures/{task}.json",
    log:
        "results/logs/report/figures/{task}.log",
    benchmark:
        "results/benchmarks/report/figures/{task}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].page(),
        code=plans.code("page_facts"),
    message:
        "gather figures for the page"
    script:
        "../../scripts/page_facts.py"


rule write_page:
    """Draw the page."""
    input:
        figures=expand("results/report/figures/{task}.json", task=TASKS),
        scores="results/scores.json",
    output:
        page=report(
            "results/report/index.html",
            caption="../report/page.rst",
            category="Page",
        ),
    log:
        "results/logs/report/page.log",
    benchmark:
        "results/benchmarks/report/page.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans.page(),
        code=plans.code("report_page"),
    message:
        "draw the page"
    script:
        "../../scripts/report_page.py"


if not plans.alone:

    rule sum_up_competition:
        """The competition's score, then each task's summary."""
        input:
            scores="results/scores.json",
            summaries=expand(per_task("results/report/summary.txt"), task=TASKS),
            submission="results/submission.zip",
        output:
            summary=report(
                "results/report/summary.txt",
                caption="../report/summary.rst",
                category="Summary",
            ),
        log:
            "results/logs/report/competition.log",
        benchmark:
            "results/benchmarks/report/competition.tsv"
        conda:
            "../../envs/cpu.yaml"
        threads: 1
        params:
            block=lambda w: {"competition": plans.config.competition, "tasks": TASKS},
            code=plans.code("report_competition"),
        message:
            "write the summary"
        script:
            "../../scripts/report_competition.py"
