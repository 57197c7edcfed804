"""Stage pretrain: encoders trained on the texts of the task, without its labels.

Needs:    results/text/{task}/{view}/, an encoder's folder in data/
Makes:    results/pretrain/{task}/{pretraining}/
"""


rule pretrain:
    """Every pretraining."""
    input:
        expand("results/pretrain/{task}/{name}/facts.json", task=TASK, name=list(plan.config.pretrain)),


rule start_encoder:
    """Learn a vocabulary of the texts, and make a new network for it."""
    input:
        unpack(start_files),
    output:
        start=directory("results/pretrain/{task}/{pretraining}/start"),
    log:
        "results/logs/pretrain/{task}/{pretraining}.start.log",
    benchmark:
        "results/benchmarks/pretrain/{task}/{pretraining}.start.tsv"
    wildcard_constraints:
        pretraining=one_of(plan.made_from_scratch()),
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plan.pretraining(w.pretraining).threads
    params:
        block=lambda w: plan.start_encoder(w.pretraining),
        code=plan.code("start_encoder"),
    message:
        "a new encoder for {wildcards.pretraining}"
    script:
        "../../scripts/start_encoder.py"


rule pretrain_encoder:
    """Train an encoder on the texts alone."""
    input:
        texts=lambda w: plan.pretrain_texts(w.pretraining),
        source=lambda w: plan.pretrain_start_files(w.pretraining),
    output:
        encoder=directory("results/pretrain/{task}/{pretraining}/encoder"),
        facts="results/pretrain/{task}/{pretraining}/facts.json",
    log:
        "results/logs/pretrain/{task}/{pretraining}.log",
        curve="results/logs/pretrain/{task}/{pretraining}.curve.csv",
    benchmark:
        "results/benchmarks/pretrain/{task}/{pretraining}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: lambda w: plan.pretraining(w.pretraining).threads
    resources:
        gpu=1,
    params:
        block=lambda w: plan.pretrain(w.pretraining),
        code=plan.code("pretrain"),
    message:
        "pretrain {wildcards.pretraining}"
    script:
        "../../scripts/pretrain.py"
