"""Checks of pseudo-label rounds that need other blocks: voters, refits."""

from collections.abc import Iterator

from podium.config import Config, Transformer
from podium.pseudo import needed_votes


def pseudo_checks(config: Config) -> Iterator[str]:
    """Mistakes in the block ``pseudo``, each with its key."""
    pseudo = config.pseudo
    if not pseudo.rounds:
        return
    known = [name for name in pseudo.voters or config.models if name in config.models]
    members = sum(len(config.models[name].seeds) for name in known)
    if pseudo.votes is not None and members:
        others = needed_votes(members, agree=pseudo.agree, votes=None)
        if pseudo.votes > members:
            yield (
                f"pseudo.votes: {pseudo.votes} votes are more than the {members} voters; "
                "lower it, or add models or seeds"
            )
        elif pseudo.votes <= others:
            yield (
                f"pseudo.votes: {pseudo.votes} changes nothing, pseudo.agree {pseudo.agree:g} asks for {others} of "
                f"{members} votes; lower agree, or leave votes out"
            )
    if isinstance(pseudo.weight, list) and len(pseudo.weight) > pseudo.rounds:
        yield f"pseudo.weight: has {len(pseudo.weight)} weights for {pseudo.rounds} rounds; leave the others out"
    if pseudo.until_helps:
        for name, model in config.models.items():
            if isinstance(model, Transformer) and model.refit is not None and model.rounds != 0:
                yield (
                    f"models.{name}.refit: trains on all rows after the last round, which pseudo.until_helps leaves "
                    "open; set refit to null, rounds to 0, or until_helps to false"
                )
