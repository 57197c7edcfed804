"""Stage ingest: the competition's files become checked tables.

Needs:    the competition's own files
Makes:    results/ingest/{task}/train.parquet, test.parquet, labels.json, profile.json,
          {part}.parquet of each external or unlabelled file
"""


rule ingest:
    """Tables, labels and profile of the competition's files."""
    input:
        expand(
            "results/ingest/{task}/{name}",
            task=TASKS,
            name=["train.parquet", "test.parquet", "labels.json", "profile.json"],
        ),
        [
            f"results/ingest/{task}/{part}.parquet"
            for task, plan in plans.items()
            for part in plan.other_names()
        ],


rule ingest_train:
    """Check ids, texts and labels of the training rows, and write them as a table."""
    input:
        train=lambda w: task_of(w).train,
    output:
        out="results/ingest/{task}/train.parquet",
        labels="results/ingest/{task}/labels.json",
    log:
        "results/logs/ingest/{task}_train.log",
    benchmark:
        "results/benchmarks/ingest/{task}_train.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ingest(),
        code=plans.code("ingest"),
    message:
        "read and check the training rows"
    script:
        "../../scripts/ingest.py"


rule ingest_test:
    """Check the test rows against the sample submission, and write them as a table."""
    input:
        unpack(test_files),
    output:
        out="results/ingest/{task}/test.parquet",
    log:
        "results/logs/ingest/{task}_test.log",
    benchmark:
        "results/benchmarks/ingest/{task}_test.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ingest_test(),
        code=plans.code("ingest_test"),
    message:
        "read and check the test rows"
    script:
        "../../scripts/ingest_test.py"


rule ingest_external:
    """Check the rows of an external file, and give them the task's own labels."""
    input:
        file=lambda w: plans[w.task].other_file(w.part).file,
        labels="results/ingest/{task}/labels.json",
    output:
        out="results/ingest/{task}/{part}.parquet",
        counts="results/ingest/{task}/{part}.counts.json",
    log:
        "results/logs/ingest/{task}/{part}.log",
    benchmark:
        "results/benchmarks/ingest/{task}/{part}.tsv"
    wildcard_constraints:
        part=one_of(plans.external_names()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ingest_external(w.part),
        code=plans.code("ingest_external"),
    message:
        "read and check the rows of {wildcards.part}"
    script:
        "../../scripts/ingest_external.py"


rule ingest_unlabelled:
    """Check the rows of an unlabelled file, and write them as a table."""
    input:
        file=lambda w: plans[w.task].other_file(w.part).file,
    output:
        out="results/ingest/{task}/{part}.parquet",
    log:
        "results/logs/ingest/{task}/{part}.log",
    benchmark:
        "results/benchmarks/ingest/{task}/{part}.tsv"
    wildcard_constraints:
        part=one_of(plans.unlabelled_names()),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].ingest_unlabelled(w.part),
        code=plans.code("ingest_unlabelled"),
    message:
        "read and check the rows of {wildcards.part}"
    script:
        "../../scripts/ingest_unlabelled.py"


rule profile_rows:
    """Describe the rows: lengths, classes, duplicates, missing values."""
    input:
        unpack(profile_files),
    output:
        profile="results/ingest/{task}/profile.json",
    log:
        "results/logs/ingest/{task}_profile.log",
    benchmark:
        "results/benchmarks/ingest/{task}_profile.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans[w.task].profile(),
        code=plans.code("ingest_profile"),
    message:
        "describe the rows"
    script:
        "../../scripts/ingest_profile.py"
