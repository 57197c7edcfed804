"""Mistakes in the augmentations that only show beside other blocks of the config."""

from collections.abc import Iterator

from podium.config import Config

RESERVED = ("train", "test", "pseudo")


def augment_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    for name, method in config.augment.items():
        if name in RESERVED:
            yield f"augment.{name}: this name is reserved"
        for task_name, task in config.tasks.items():
            if task.language != "en":
                yield (
                    f"augment.{name}: eda needs English WordNet, but tasks.{task_name}.language is '{task.language}'"
                )
        if not any((method.alpha_sr, method.alpha_ri, method.alpha_rs, method.alpha_rd)):
            yield f"augment.{name}: every alpha is 0, so nothing would be made"
