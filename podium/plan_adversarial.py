"""What the config means for stage adversarial."""

from typing import Any

from podium.plan_noise import NoisePlan


class AdversarialPlan(NoisePlan):
    """The part of the plan that compares train and test."""

    def trusted(self) -> list[str]:
        """Tasks whose train and test rows are compared."""
        return [self.task] if self.config.adversarial.enabled else []

    def compare_parts(self) -> dict[str, Any]:
        """Parameters of rule compare_parts."""
        block = self.config.adversarial
        return {
            **block.model_dump(include={"rows", "near_duplicates", "level", "auc", "overlap"}),
            "type": self.type,
            "seed": self.config.seed,
        }

    def shifted_cv(self) -> dict[str, Any]:
        """Parameters of rule weigh_score."""
        block, noise = self.config.adversarial, self.config.noise
        cleaned = [name for name, model in self.config.models.items() if model.noise]
        return {
            **block.model_dump(include={"level", "class_shift", "class_rows", "fold_rows", "weight_limit"}),
            "type": self.type,
            "settings": {
                "cleaned": sorted(cleaned) if noise.mode == "plain" else [],
                "near_duplicates": self.config.folds.near_duplicates,
            },
        }
