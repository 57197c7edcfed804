"""Stage pretrain: encoders trained on the texts of the tasks, without their labels.

Needs:    results/text/{task}/{view}/, an encoder's folder in data/
Makes:    results/pretrain/{pretraining}/
"""


rule pretrain:
    """Every pretraining."""
    input:
        expand("results/pretrain/{name}/facts.json", name=list(plans.config.pretrain)),


rule start_encoder:
    """Learn a vocabulary of the texts, and make a new network for it."""
    input:
        unpack(start_files),
    output:
        start=directory("results/pretrain/{pretraining}/start"),
    log:
        "results/logs/pretrain/{pretraining}.start.log",
    benchmark:
        "results/benchmarks/pretrain/{pretraining}.start.tsv"
    wildcard_constraints:
        pretraining=one_of(plans.first.made_from_scratch()),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans.first.pretraining(w.pretraining).threads
    params:
        block=lambda w: plans.first.start_encoder(w.pretraining),
        code=plans.code("start_encoder"),
    message:
        "a new encoder for {wildcards.pretraining}"
    script:
        "../../scripts/start_encoder.py"


rule pretrain_encoder:
    """Train an encoder on the texts alone."""
    input:
        texts=lambda w: plans.first.pretrain_texts(w.pretraining),
        source=lambda w: plans.first.pretrain_start_files(w.pretraining),
    output:
        encoder=directory("results/pretrain/{pretraining}/encoder"),
        facts="results/pretrain/{pretraining}/facts.json",
    log:
        "results/logs/pretrain/{pretraining}.log",
        curve="results/logs/pretrain/{pretraining}.curve.csv",
    benchmark:
        "results/benchmarks/pretrain/{pretraining}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plans.first.pretraining(w.pretraining).threads
    resources:
        gpu=1,
    params:
        block=lambda w: plans.first.pretrain(w.pretraining),
        code=plans.code("pretrain"),
    message:
        "pretrain {wildcards.pretraining}"
    script:
        "../../scripts/pretrain.py"
