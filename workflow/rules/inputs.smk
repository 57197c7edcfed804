"""The functions that give the rules of data, text and training their inputs."""


def task_of(w):
    """The config block of the task."""
    return plans[w.task].config.tasks[w.task]


def test_files(w):
    """The test rows and the sample submission, where there is one."""
    task = task_of(w)
    return {"test": task.test} | ({"sample": task.sample} if task.sample else {})


def left_out(w):
    """How many rows of an external file were read, and left out by their label."""
    return (
        {"counts": f"results/ingest/{w.task}/{w.part}.counts.json"}
        if w.part in plans[w.task].external_names()
        else {}
    )


def rows_beside(w):
    """The train rows of the other tasks, and their folds."""
    others = [task for task in TASKS if task != w.task]
    ingested = [f"results/ingest/{task}/train.parquet" for task in others]
    dealt = [f"results/folds/{task}/folds.parquet" for task in others]
    return {"beside_train": ingested, "beside_folds": dealt} if others else {}


def profile_files(w):
    """What the profile reads."""
    tokenizer = plans[w.task].tokenizer()
    return test_files(w) | {"train": task_of(w).train} | ({"tokenizer": tokenizer[0]} if tokenizer else {})


def text_files(w):
    """The rows that a text view is made of, and the data of its steps."""
    stage = "ingest" if w.part in ("train", "test", *plans[w.task].other_names()) else "augment"
    files = {"table": f"results/{stage}/{w.task}/{w.part}.parquet"}
    wordnet = plans[w.task].wordnet(w.view)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def text_changes_files(w):
    """The train and test rows, the view that was made of them, and the data of its steps."""
    rows, view = f"results/ingest/{w.task}", f"results/text/{w.task}/{w.view}"
    files = {
        "train": f"{rows}/train.parquet",
        "test": f"{rows}/test.parquet",
        "train_view": f"{view}/train.parquet",
        "test_view": f"{view}/test.parquet",
    }
    wordnet = plans[w.task].wordnet(w.view)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def train_files(w):
    """What the training of one fold depends on besides folds, labels and the train rows."""
    model, number = plans[w.task].model(w.member), int(w.round)
    view = plans[w.task].tables(w.member)
    files = {"texts": f"{view}/train.parquet"}
    if plans[w.task].encoder_files(w.member):
        files["encoder"] = plans[w.task].encoder_files(w.member)
    if plans[w.task].overrides():
        files["overrides"] = f"results/noise/{w.task}/overrides.parquet"
    if model.noise:
        files["noise"] = f"results/noise/{w.task}/fold{w.fold}.parquet"
    if model.augment:
        files["augmented"] = [f"results/augment/{w.task}/{method}.parquet" for method in model.augment]
        files["augmented_texts"] = [f"{view}/{method}.parquet" for method in model.augment]
        judged = plans[w.task].judged_methods(model)
        if judged:
            files["verdicts"] = [
                f"results/augment/{w.task}/{method}/fold{w.fold}.parquet" for method in judged
            ]
    if plans[w.task].external_names():
        names = plans[w.task].external_names()
        files["external"] = [f"results/folds/{w.task}/external/{name}.parquet" for name in names]
        files["external_texts"] = [f"{view}/{name}.parquet" for name in names]
    if number:
        files["pseudo"] = f"results/pseudo/{w.task}/round{number}/fold{w.fold}.parquet"
        files["test_texts"] = f"{view}/test.parquet"
        if plans[w.task].unlabelled_names():
            files["unlabelled_texts"] = [
                f"{view}/{name}.parquet" for name in plans[w.task].unlabelled_names()
            ]
    return files


def joint_files(w):
    """What the training of one fold of several tasks depends on: each task's files, by its name and theirs."""
    files = {}
    for task in plans.joint_tasks(w.member):
        own = SimpleNamespace(task=task, member=w.member, round=w.round, fold=w.fold)
        ingested = f"results/ingest/{task}"
        named = {**train_files(own), "rows": f"{ingested}/train.parquet", "labels": f"{ingested}/labels.json"}
        named["folds"] = f"results/folds/{task}/folds.parquet"
        files |= {f"{task}__{name}": path for name, path in named.items() if name != "encoder"}
    if not plans.fuses(w.member):
        files["encoder"] = plans.joint(w.member).encoder_files(w.member)
    return files


def joint_start(w):
    """What joint training starts from beside its rows: a mean of encoders, the model of the round before."""
    folder, number = f"results/joint/{w.member}", int(w.round)
    found = {"fused": f"{folder}/round{number}/fold{w.fold}/fused"} if plans.fuses(w.member) else {}
    if number and plans.joint(w.member).distils(w.member):
        found["teacher"] = f"{folder}/round{number - 1}/fold{w.fold}/model"
    return found


def encoders_to_fuse(w):
    """Models of single tasks that were trained without the same fold, in the same round or their last before it."""
    return [
        f"{plans[task].fold_folder(member, trained_rounds(task, member, int(w.round))[-1], w.fold)}/model"
        for task, member in plans.fused(w.member)
    ]


def span_files(w):
    """What the training of one fold of a span task depends on besides folds and the train rows."""
    plan, augment = plans[w.task], plans[w.task].model(w.member).augment
    files = {}
    if plan.encoder_files(w.member):
        files["encoder"] = plan.encoder_files(w.member)
    if augment:
        files["augmented"] = [f"results/augment/{w.task}/{method}.parquet" for method in augment]
    if int(w.round):
        files["pseudo"] = f"results/pseudo/{w.task}/round{w.round}/fold{w.fold}.parquet"
        files["test"] = f"results/ingest/{w.task}/test.parquet"
    return files


def overrides_file(w):
    """A person's word on single rows, where there is any."""
    return {"overrides": f"results/noise/{w.task}/overrides.parquet"} if plans[w.task].overrides() else {}


def judge_files(w):
    """What a judge of labels reads its rows from."""
    files = {"texts": f"{plans[w.task].judge_tables(w.judge)}/train.parquet"}
    if plans[w.task].judge_encoder(w.judge):
        files["encoder"] = plans[w.task].judge_encoder(w.judge)
    return files | overrides_file(w)


def augment_files(w):
    """What an augmentation reads besides the train rows: WordNet, and a dictionary, an encoder or models."""
    files = {"needs": plans[w.task].augment_needs(w.method)} if plans[w.task].augment_needs(w.method) else {}
    wordnet = plans[w.task].augment_wordnet(w.method)
    return files | ({"wordnet": wordnet[0]} if wordnet else {})


def start_files(w):
    """The texts that a new network's vocabulary is made of, and a file of word vectors."""
    files = {"texts": plans.first.pretrain_texts(w.pretraining)}
    if plans.first.pretrain_vectors(w.pretraining):
        files["vectors"] = plans.first.pretrain_vectors(w.pretraining)[0]
    return files


def pretrain_facts():
    """What there is to say of each pretraining whose encoder a model takes."""
    folders = [plans.first.pretrain_folder(name) for name in plans.first.pretrainings_in_use()]
    return [f"{folder}/facts.json" for folder in folders]


def judged_made():
    """The label verdicts of every fold on the rows of the augmentations that ask for them."""
    return [
        f"results/augment/{task}/{method}/fold{fold}.parquet"
        for task, plan in plans.items()
        for method, block in plan.config.augment.items()
        if block.filter.label is not None
        for fold in FOLDS
    ]


def teacher_file(w):
    """The fold's model of the round before, for a member that learns from itself."""
    if not int(w.round) or not plans[w.task].distils(w.member):
        return {}
    return {"teacher": f"{plans[w.task].fold_folder(w.member, int(w.round) - 1, w.fold)}/model"}


def test_models(w):
    """The models that predict the test rows for the submission, where they are not the fold models themselves."""
    if not plans[w.task].refits(w.member) or int(w.round) != plans[w.task].last_round(w.member):
        return {}
    folders = [plans[w.task].fold_folder(w.member, w.round, fold) for fold in FOLDS]
    return {"refit_models": [f"{folder}/refit" for folder in folders]}


def fold_files(w, name):
    """A file of each fold's training."""
    return [f"{plans[w.task].fold_folder(w.member, w.round, fold)}/{name}" for fold in FOLDS]
