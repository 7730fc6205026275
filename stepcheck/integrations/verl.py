"""verl: a custom reward function, for one sample or for a batch.

    custom_reward_function.path=pkg://stepcheck.integrations.verl
    custom_reward_function.name=compute_score
    +custom_reward_function.reward_kwargs.model=Qwen2.5-Math-PRM-7B-q4_k_m

verl calls it by name with `data_source`, `solution_str`, `ground_truth`, `extra_info`, from several threads, and takes
a number or a dict with `score`, whose other keys become metrics (verl 0.9.1, `reward_loop/reward_manager/naive.py`);
its manager `batch` calls with the same in the plural (`workers/reward_manager/batch.py`). The prompt is not among them:
the problem is what `extra_info` has under `problem_key`, `question` as in verl's own data sets.
verl has no word for a sample without a reward, and gives 0 to one whose function ran out of time: so does this, unless
`unjudged` says otherwise, and `judged` tells the two apart (its mean is the share that was judged).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from stepcheck.errors import UsageError
from stepcheck.integrations.rewards import Reduce, Rewards

KEY = "question"


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any = None,  # noqa: ANN401 (whatever the data has; what is judged is the way, not the answer)
    extra_info: Mapping[str, Any] | None = None,
    **how: Any,  # noqa: ANN401 (see compute_scores)
) -> dict[str, float]:
    """Judge one sample; see `compute_scores`."""
    return compute_scores([data_source], [solution_str], [ground_truth], [extra_info or {}], **how)[0]


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],  # noqa: ARG001 (verl's argument)
    extra_infos: Sequence[Mapping[str, Any] | None],
    *,
    model: str = "nano",
    reduce: Reduce = "min",
    problem_key: str = KEY,
    unjudged: float = 0.0,
    **how: Any,  # noqa: ANN401 (server, token, threshold, models_dir)
) -> list[dict[str, float]]:
    """Judge a batch: `score` in [0, 1] and `judged`, 1 or 0, of each sample.

    Raises:
        UsageError: a sample has no problem.
        StepcheckError: nothing at all can be judged.
    """
    problems: list[str] = []
    for source, info in zip(data_sources, extra_infos, strict=True):
        problem = (info or {}).get(problem_key)
        if not isinstance(problem, str):
            raise UsageError(
                f"{source}: extra_info has no {problem_key!r} with the problem; keep it there when the data are"
                " prepared, or name its key with reward_kwargs.problem_key"
            )
        problems.append(problem)
    router = ("reward_router_address", "reward_model_tokenizer")  # of verl's own reward models
    told = tuple(sorted((key, value) for key, value in how.items() if key not in router))
    found = _rewards(model, reduce, told).score(problems, list(solution_strs))
    return [
        {"score": unjudged if one.value is None else one.value, "judged": float(one.value is not None)} for one in found
    ]


@cache
def _rewards(model: str, reduce: Reduce, how: tuple[tuple[str, Any], ...]) -> Rewards:
    """Keep one judge a process for each way of asking."""
    return Rewards(model, reduce, dict(how))
