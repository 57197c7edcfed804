"""Stage tokens: token ids of every text, once for each view and encoder, shared by folds, seeds and rounds.

Needs:    results/text/{task}/{view}/, an encoder's folder in data/
Makes:    results/tokens/{task}/{view}/{encoder}/{part}.parquet
"""


rule tokens:
    """Token ids of the train and test rows for every transformer."""
    input:
        [
            f"{folder}/{part}.parquet"
            for plan in plans.values()
            for folder in plan.token_tables()
            for part in ("train", "test")
        ],


rule tokenize_rows:
    """Tokenise a text view of the train, test or augmented rows with one encoder's tokenizer."""
    input:
        table="results/text/{task}/{view}/{part}.parquet",
        tokenizer=lambda w: plans[w.task].tokenizer_file(w.encoder),
    output:
        out="results/tokens/{task}/{view}/{encoder}/{part}.parquet",
    log:
        "results/logs/tokens/{task}/{view}/{encoder}/{part}.log",
    benchmark:
        "results/benchmarks/tokens/{task}/{view}/{encoder}/{part}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    params:
        code=plans.code("tokenize_rows"),
    message:
        "tokens of {wildcards.part} in view {wildcards.view} for {wildcards.encoder}"
    script:
        "../../scripts/tokenize_rows.py"
