"""The functions that say which rounds there are and which of them count, and what the last stages read."""


def last_predictions(w, name):
    """A predictions file of every member of the ensembles, in its last round, or settled where rounds end by scores."""
    return [f"{last_folder(w.task, member)}/{name}.parquet" for member in plans[w.task].used()]


def last_folder(task, member):
    """Folder of the predictions that count in the end."""
    plan = plans[task]
    last = "settled" if plan.settles(member) else f"round{plan.last_round(member)}"
    return f"results/predict/{task}/{member}/{last}"


def trained_rounds(task, member, last=None):
    """Rounds that a member is trained in, up to ``last``; where they end when they stop helping, its verdicts say."""
    plan = plans[task]
    last = plan.last_round(member) if last is None else min(last, plan.last_round(member))
    if plan.settles(member):
        for number in range(1, last):
            if not verdict_on(task, member, number)["goes_on"]:
                return range(number + 1)
    return range(last + 1)


def verdict_on(task, member, number):
    """What was judged of a round; Snakemake asks again once it is there."""
    found = checkpoints.judge_round.get(task=task, member=member, round=number)
    return read_json(Path(found.output.out))


def counting_round(task, member, fold, last=None):
    """The round whose predictions count for a fold, of those up to ``last``."""
    number = trained_rounds(task, member, last)[-1]
    return (
        verdict_on(task, member, number)["rounds"][fold] if number and plans[task].settles(member) else number
    )


def rounds_in_use(task):
    """Every (member, round) that a task needs."""
    return [(member, number) for member in plans[task].members for number in trained_rounds(task, member)]


def pseudo_labels(task, ending):
    """A file of every round and fold that rows were labelled for."""
    last = max(number for _, number in rounds_in_use(task))
    return [
        f"results/pseudo/{task}/round{number}/fold{fold}.{ending}"
        for number in range(1, last + 1)
        for fold in FOLDS
    ]


def settled_members(name):
    """A file of every member whose rounds end when they stop helping."""
    return [
        f"results/predict/{task}/{member}/settled/{name}"
        for task, plan in plans.items()
        for member in plan.members
        if plan.settles(member)
    ]


def settled_files(w, name):
    """A predictions file of the round that counts for each fold."""
    return [
        f"results/predict/{w.task}/{w.member}/round{counting_round(w.task, w.member, fold)}/{name}.parquet"
        for fold in FOLDS
    ]


def last_verdict(w):
    """What was judged of a member's last round."""
    number = trained_rounds(w.task, w.member)[-1]
    return f"results/predict/{w.task}/{w.member}/round{number}/verdict.json"


def verdict_before(w):
    """What was judged of the round before."""
    number = int(w.round) - 1
    return {"last": f"results/predict/{w.task}/{w.member}/round{number}/verdict.json"} if number else {}


def settled_rounds(w):
    """Predictions of the members whose rounds end when they stop helping: of each round, and what counts."""
    task = its_task(w)
    members = [member for member in plans[task].members if plans[task].settles(member)]
    folders = [
        f"results/predict/{task}/{member}/{name}"
        for member in members
        for name in [*(f"round{number}" for number in trained_rounds(task, member)), "settled"]
    ]
    names = {"settled": "oof", "settled_tests": "test", "settled_folds": "test_folds"}
    return {key: [f"{folder}/{name}.parquet" for folder in folders] for key, name in names.items() if members}


def figures_files(w):
    """The test rows, for an ensemble that looks at figures of the texts, or one among all where none is named."""
    names = [w.method] if hasattr(w, "method") else []
    return (
        {"test_texts": f"results/ingest/{w.task}/test.parquet"} if plans[w.task].reads_texts(*names) else {}
    )


def votes(w, name):
    """A predictions file of each voter, in its round that counts for the fold before this one."""
    fold, before = int(w.fold), int(w.round) - 1
    rounds = {member: counting_round(w.task, member, fold, before) for member in plans[w.task].voters()}
    return [
        f"results/predict/{w.task}/{member}/round{number}/{name}.parquet" for member, number in rounds.items()
    ]


def unlabelled_votes(w):
    """What the same models say of each unlabelled file, and where its rows may be used."""
    names = plans[w.task].unlabelled_names()
    return (
        {
            "unlabelled_folds": [path for name in names for path in votes(w, f"unlabelled/{name}")],
            "placed": [f"results/folds/{w.task}/external/{name}.parquet" for name in names],
        }
        if names
        else {}
    )


def all_rounds(w, *names):
    """Predictions files of every member in every round."""
    task = its_task(w)
    return [
        f"results/predict/{task}/{member}/round{number}/{name}.parquet"
        for member, number in plans[task].scored_rounds()
        for name in names
    ]


def all_ensembles(w, name):
    """A file of every ensemble."""
    task = its_task(w)
    return [f"results/ensemble/{task}/{method}/{name}" for method in plans[task].ensembles()]


def of_task(path):
    """An input function: the file of the job's task."""
    return lambda w: path.format(task=its_task(w), submit=plans.first.config.ensemble.submit)


def sample_file(w):
    """The sample submission, where there is one."""
    task = its_task(w)
    sample = plans[task].config.tasks[task].sample
    return {"sample": sample} if sample else {}


def trust_files(tasks, *names):
    """Files of stage adversarial, where it is on."""
    return [f"results/adversarial/{task}/{name}" for task in tasks if plans[task].trusted() for name in names]


def page_files(w):
    """What the report's page shows of stages that not every task has."""
    plan, noise = plans[w.task], f"results/noise/{w.task}"
    folders = plan.token_tables()
    files = {}
    if folders:
        files["tokens"] = [f"{folder}/train.parquet" for folder in folders]
        files["tested_tokens"] = [f"{folder}/test.parquet" for folder in folders]
    if plan.judged:
        files["noise"] = [f"{noise}/review.csv", f"{noise}/summary.json"]
    settled = [member for member in plan.members if plan.settles(member)]
    if settled:
        files["settled"] = [f"results/predict/{w.task}/{member}/settled/oof.parquet" for member in settled]
    return files


def fold_models(task):
    """The models of every member, round and fold of a task."""
    return [
        f"{plans[task].fold_folder(member, number, fold)}/model"
        for member, number in rounds_in_use(task)
        for fold in FOLDS
    ]
