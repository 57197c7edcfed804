"""The config of the ensembles."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from podium.config.base import Block, Name, Positive

EnsembleMethod = Literal["mean", "blend", "stack", "vote"]
Weights = dict[str, Annotated[float, Field(ge=0)]] | None
_TEMPERATURE = (
    "Scale each member's log-probabilities by one number first, fitted by log-loss (Guo et al. 2017)."
)


class Mean(Block):
    """Mean of the members; nothing is fitted."""

    average: Literal["arithmetic", "geometric", "rank"] = Field(
        "arithmetic",
        description="arithmetic or geometric mean of probabilities, or mean of ranks for metrics of order (roc_auc).",
    )
    temperature: bool = Field(False, description=_TEMPERATURE)


class Blend(Block):
    """Weighted mean of probabilities."""

    weights: Weights = Field(
        None, description="Weight of each member, 0 for those not named; null: they are searched."
    )
    search: Literal["greedy", "simplex"] = Field(
        "greedy",
        description="greedy: selection with replacement (Caruana et al. 2004); simplex: weights of least loss, then "
        "line by line towards the best objective.",
    )
    objective: Literal["metric", "loss"] = Field(
        "metric", description="What weights are searched for; loss: log-loss, or squared error of values."
    )
    steps: Positive = Field(50, description="greedy: steps of one selection.")
    best_first: bool | None = Field(
        None,
        description="greedy: begin with as many of the best members as are best together; null: true for spans, false "
        "for labels and values.",
    )
    bags: Positive = Field(
        1, description="greedy: selections whose weights are averaged, each among a share of the members."
    )
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="greedy: with 2 bags or more, the share of the members that each may use."
    )
    temperature: bool = Field(False, description=_TEMPERATURE)

    def options(self) -> dict[str, Any]:
        """The keys that matter."""
        keys = {"weights", "temperature"}
        if self.weights is None:
            keys |= {"search", "objective"}
            if self.search == "greedy":
                keys |= {"steps", "best_first", "bags", "share"}
        found = {key: value for key, value in self.model_dump().items() if key in keys}
        return found | ({"best_first": bool(self.best_first)} if "best_first" in keys else {})


class Vote(Block):
    """Majority of the members' labels, ties broken by mean probability."""

    weights: Weights = Field(
        None, description="Votes of each member, 0 for those not named; null: by weighting."
    )
    weighting: Literal["equal", "score", "learned"] = Field(
        "equal",
        description="equal: one vote each; score: each member's own score; learned: greedy selection for the metric.",
    )
    steps: Positive = Field(50, description="learned: steps of the selection.")

    def options(self) -> dict[str, Any]:
        """The keys that matter."""
        keys = {"weights"} | ({"weighting"} if self.weights is None else set())
        keys |= {"steps"} if "weighting" in keys and self.weighting == "learned" else set()
        return {key: value for key, value in self.model_dump().items() if key in keys}


class Stack(Block):
    """A model on the members' predictions side by side."""

    model: Literal["linear", "ridge", "lightgbm"] = Field(
        "linear",
        description="linear: logistic (of values: linear) regression, near the members' mean; ridge: least squares "
        "on all classes; lightgbm: boosted trees that begin at the members' mean.",
    )
    features: Literal["logits", "probabilities"] = Field(
        "logits", description="What the model sees of the members; of values always what they say."
    )
    statistics: bool = Field(
        False,
        description="The model also sees figures of the texts: length, number of words, punctuation, ...",
    )
    c: Annotated[float, Field(gt=0)] = Field(
        0.01,
        description="linear: inverse of the L2 penalty on the distance from the members' mean (probabilities: from 0); "
        "above 0.01 it is scored inside the folds (docs/ensembles.md).",
    )
    alpha: Annotated[float, Field(gt=0)] = Field(1.0, description="ridge: L2 penalty.")
    trees: Positive = Field(100, description="lightgbm: rounds of boosting.")
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        0.05, description="lightgbm: weight of each tree."
    )
    num_leaves: Annotated[int, Field(ge=2)] = Field(7, description="lightgbm: leaves of a tree.")
    min_data_in_leaf: Positive = Field(50, description="lightgbm: least rows in a leaf.")
    max_rows: Annotated[int, Field(ge=100)] = Field(
        100_000, description="Rows that the model is fitted on at most, evenly spaced."
    )
    temperature: bool = Field(False, description=_TEMPERATURE)

    def options(self) -> dict[str, Any]:
        """The keys that matter."""
        own = {
            "linear": {"c"},
            "ridge": {"alpha"},
            "lightgbm": {"trees", "learning_rate", "num_leaves", "min_data_in_leaf"},
        }
        other = {"kind"}.union(*own.values()) - own[self.model]
        return {key: value for key, value in self.model_dump().items() if key not in other}


class NamedMean(Mean):
    """Mean of the members; nothing is fitted."""

    kind: Literal["mean"]


class NamedBlend(Blend):
    """Weighted mean of probabilities."""

    kind: Literal["blend"]


class NamedVote(Vote):
    """Majority of the members' labels, ties broken by mean probability."""

    kind: Literal["vote"]


class NamedStack(Stack):
    """A model on the members' predictions side by side."""

    kind: Literal["stack"]


class Layers(Block):
    """Several ensembles, and one above their cross-fitted predictions."""

    kind: Literal["layers"]
    first: Annotated[list[Name], Field(min_length=1)] = Field(
        description="Ensembles of the first layer, by name; they need not stand in methods."
    )
    second: Name = Field(description="The ensemble above them, by name.")


Named = NamedMean | NamedBlend | NamedVote | NamedStack | Layers
ENSEMBLES: dict[str, type[Block]] = {
    get_args(cls.model_fields["kind"].annotation)[0]: cls for cls in get_args(Named)
}


class Ensemble(Block):
    """How members become one prediction; every score is cross-fitted over the folds."""

    members: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Members to use (`model-sSEED`); null for all."
    )
    methods: Annotated[list[EnsembleMethod], Field(min_length=1)] = Field(
        ["mean", "blend", "stack", "vote"], description="Methods to compute and score."
    )
    named: dict[Name, Annotated[Named, Field(discriminator="kind")]] = Field(
        default_factory=dict,
        description="More ensembles, each with a name, a kind (mean, blend, vote, stack, layers) and options; all are "
        "computed and scored.",
    )
    submit: str = Field(
        "best",
        description="The ensemble that is submitted: best (chosen by score, the choice itself cross-fitted), or one of "
        "methods or named.",
    )
    mean: Mean = Field(default_factory=Mean)
    blend: Blend = Field(default_factory=Blend)
    stack: Stack = Field(default_factory=Stack)
    vote: Vote = Field(default_factory=Vote)

    def block(self, name: str) -> Any:
        """The block of a method or a named ensemble."""
        return self.named[name] if name in self.named else getattr(self, name)

    @property
    def names(self) -> list[str]:
        """Every ensemble that is computed, without the choice among them."""
        return [*self.methods, *sorted(self.named)]
