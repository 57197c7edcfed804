"""Stage ingest: the competition's files become checked tables.

Needs:    the competition's own files
Makes:    results/ingest/{task}/train.parquet, test.parquet, labels.json, profile.json
"""


rule ingest:
    """Tables, labels and profile of the competition's files."""
    input:
        expand(
            "results/ingest/{task}/{name}",
            task=TASK,
            name=["train.parquet", "test.parquet", "labels.json", "profile.json"],
        ),


rule ingest_rows:
    """Check ids, texts and labels, and write them as tables."""
    input:
        unpack(raw_files),
    output:
        train_out="results/ingest/{task}/train.parquet",
        test_out="results/ingest/{task}/test.parquet",
        labels="results/ingest/{task}/labels.json",
    log:
        "results/logs/ingest/{task}.log",
    benchmark:
        "results/benchmarks/ingest/{task}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=plan.ingest(),
        code=plan.code("ingest"),
    message:
        "read and check the competition's files"
    script:
        "../../scripts/ingest.py"


rule describe_rows:
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
        block=plan.profile(),
        code=plan.code("describe"),
    message:
        "describe the rows"
    script:
        "../../scripts/describe.py"
