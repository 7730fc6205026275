"""TRL: a reward function for `GRPOTrainer`, `RLOOTrainer` and whoever else takes `reward_funcs`.

    from stepcheck.integrations.trl import StepReward

    trainer = GRPOTrainer(model=…, reward_funcs=StepReward("Qwen2.5-Math-PRM-7B-q4_k_m", reduce="min"), …)

A trainer calls it with `prompts`, `completions`, `completion_ids`, every other column of the data, `trainer_state`,
`log_extra` and `log_metric`, all by name, and takes a list of as many numbers; both texts and conversations come (TRL
1.16, `trl/trainer/grpo_trainer.py`, `_calculate_rewards`; `RewardFunc = … Callable[..., list[float | None]]`).
A completion that cannot be judged is `None`, as TRL has it for a sample that a function does not apply to: it counts
for no mean, and where no other function judges it, it has no advantage.
"""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from stepcheck.errors import UsageError
from stepcheck.integrations.rewards import Model, Opening, Reduce, Rewards, Text

METRIC = "stepcheck/unjudged"
"""The share of completions without a reward, as the trainer logs it."""


class StepReward:
    """A reward function: a completion's step rewards as one number in [0, 1].

    `problem` names a column of the data that holds the problem alone; without it the prompt is the problem, of a
    conversation its last turn of a user. `how` takes `server`, `token`, `threshold` and `models_dir`.

    Raises on construction:
        UsageError: there is no such way to reduce.
    """

    def __init__(
        self, model: Model = "nano", *, reduce: Reduce = "min", problem: str | None = None, **how: Unpack[Opening]
    ) -> None:
        self._rewards, self._problem = Rewards(model, reduce, dict(how)), problem
        self.__name__ = f"stepcheck_{reduce}"

    def __call__(
        self,
        completions: Sequence[Text],
        prompts: Sequence[Text] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,  # noqa: ANN401 (the columns of any data)
    ) -> list[float | None]:
        """Judge a batch; None for what cannot be judged.

        Raises:
            UsageError: there is no problem to a completion.
            StepcheckError: nothing at all can be judged.
        """
        problems = prompts if self._problem is None else columns.get(self._problem)
        if problems is None:
            raise UsageError(
                f"a reward needs problems: there is no column {self._problem or 'prompts'!r}; there are"
                f" {', '.join(sorted(columns)) or 'none'}"
            )
        found = [reward.value for reward in self._rewards.score(problems, completions)]
        if log_metric is not None and found:
            log_metric(METRIC, sum(value is None for value in found) / len(found))
        return found

    def close(self) -> None:
        """End the judge and its process; the next call opens another."""
        self._rewards.close()
