"""What the config means for a task whose answers are parts of a text."""

from typing import Any

from podium.config import Model, Reader
from podium.config.tasks import SpanTask
from podium.plan import Plan
from podium.plan_page import twins


class SpanPlan(Plan):
    """The workflow's view of one span task: what it shares with other tasks, and blocks of its own."""

    @property
    def span(self) -> SpanTask:
        """The config block of the task."""
        task = self.config.tasks[self.task]
        assert isinstance(task, SpanTask)
        return task

    # ---- what span tasks have none of

    @property
    def judged(self) -> list[str]:
        """No labels to be judged."""
        return []

    def trusted(self) -> list[str]:
        """No classifier of train and test rows."""
        return []

    def views_in_use(self) -> list[str]:
        """No view but the texts as they are."""
        return []

    def token_tables(self) -> list[str]:
        """A reader cuts its windows by itself."""
        return []

    def tokenizer(self) -> list[str]:
        """The profile counts characters."""
        return []

    def overrides(self) -> str | None:
        """No person's word on single labels."""
        return None

    def settles(self, member: str) -> bool:
        """Rounds do not end by their scores."""
        return False

    # ---- blocks of parameters

    def ingest(self) -> dict[str, Any]:
        """Parameters of rules ingest_questions and describe_questions."""
        task = self.span
        return {
            "id": task.id,
            **task.data.model_dump(),
            "encoding": task.encoding,
            "separator": task.separator,
        }

    def make_folds(self) -> dict[str, Any]:
        """Parameters of rule deal_folds."""
        return {**self.dealing(), "type": "span"}

    def train(self, member: str, number: int, fold: int) -> dict[str, Any]:
        """Parameters of rule train_span_fold."""
        model = self.model(member)
        return {
            "kind": self.kind(member),
            "options": self.model_options(member),
            "seed": self.config.seed + int(member.rpartition("-s")[2]),
            "fold": fold,
            "round": number,
            "rows_of": {
                "augment": {method: self.config.augment[method].copies for method in model.augment},
                "pseudo_weight": self.config.pseudo.weight_in(number) if number else 1.0,
            },
            "threads": model.threads,
        }

    def settled(self, model: Model) -> dict[str, Any]:
        """See ``podium.plan.Plan.settled``."""
        return model.settled() if isinstance(model, Reader) else model.model_dump()

    def predict(self, member: str) -> dict[str, Any]:
        """Parameters of rule predict_questions."""
        return {"kind": self.kind(member), "threads": self.model(member).threads}

    def pseudo(self, fold: int) -> dict[str, Any]:
        """Parameters of rule answer_test_questions."""
        return {"fold": fold, "rules": self.span.pseudo.model_dump(), "decoding": self._decoding()}

    def _decoding(self) -> dict[str, Any]:
        return {"metric": self.metric, "options": self.span.decision.model_dump()}

    def ensemble(self, *methods: str) -> dict[str, Any]:
        """Parameters of rules combine_readers (one method) and choose_reader_ensemble (all that are configured)."""
        names = methods or self.config.ensemble.names
        return {
            "members": self.used(),
            "methods": {name: self._averaging(name) for name in names},
            **self._decoding(),
        }

    def _averaging(self, name: str) -> dict[str, Any]:
        """What an ensemble of spans depends on: ``podium.span.ensembles.fit``."""
        kept = ("kind", "weights", "steps")
        options = {key: value for key, value in self.options(name).items() if key in kept}
        if "steps" in options:
            options["best_first"] = self.config.ensemble.block(name).best_first is not False
        return options

    def decision(self) -> dict[str, Any]:
        """Parameters of rule decide_answers."""
        return self._decoding()

    def scores(self) -> dict[str, Any]:
        """Parameters of rule score_answers."""
        return {
            "task": self.task,
            "member_rounds": self.scored_rounds(),
            "methods": self.ensembles(),
            "submit": self.config.ensemble.submit,
            "twins": twins(self.config.models),
            **self._decoding(),
        }

    @property
    def metric(self) -> str:
        """Metric of the task."""
        return self.span.metric

    def submission(self) -> dict[str, Any]:
        """Parameters of rule write_submission."""
        return {
            "id": self.span.id,
            "type": "single_label",
            "target": self.span.target,
            "label_separator": None,
            "probabilities": False,
            "ranked": None,
            "free": True,
        }

    def check_holdout(self) -> dict[str, Any]:
        """Parameters of rule compare_answers_with_holdout."""
        return {**self.ingest(), "target": self.span.target}

    def report(self) -> dict[str, Any]:
        """Parameters of rule write_summary."""
        block = super().report()
        settings = block["settings"] | {"bar": f"tasks.{self.task}.pseudo.confidence"}
        return block | {"settings": settings}

    def shuffle(self, method: str) -> dict[str, Any]:
        """Parameters of rule shuffle_contexts."""
        return {
            "method": method,
            "copies": self.config.augment[method].copies,
            "seed": self.config.seed,
        }

    def draws(self, method: str) -> int:
        """One: readers draw windows anew in each epoch, rows stay the same."""
        return 1
