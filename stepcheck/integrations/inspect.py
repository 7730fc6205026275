"""inspect: a scorer that judges the steps of what a model wrote.

    from inspect_ai import Task, eval
    from stepcheck.integrations.inspect import step_rewards

    eval(Task(dataset=…, solver=…, scorer=step_rewards("Qwen2.5-Math-PRM-7B-q4_k_m", reduce="min")), model=…)

A scorer is a function, decorated with its metrics, that makes an `async` function of a task's state and target; it
gives a `Score` (inspect_ai 0.3.285, `inspect_ai/scorer/_scorer.py`). A solution that cannot be judged is
`Score.unscored`, which is in no metric, with the reason. To score a log that is there, judge it with `stepcheck bench
bon LOG.json` and give `stepcheck runs export RUN --format inspect` to inspect's `precomputed_scores`.
"""

from typing import TYPE_CHECKING, Any, Unpack

from stepcheck.integrations.rewards import Model, Opening, Reduce, Rewards

if TYPE_CHECKING:
    from stepcheck.integrations.rewards import Reward


def step_rewards(model: Model = "nano", *, reduce: Reduce = "min", **how: Unpack[Opening]) -> Any:  # noqa: ANN401 (inspect's Scorer)
    """Make a scorer: the value is what a solution's steps are worth, in [0, 1], with mean and standard error.

    `how` takes `server`, `token`, `threshold` and `models_dir`.

    Raises:
        UsageError: there is no such way to reduce.
    """
    from anyio.to_thread import run_sync
    from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
    from inspect_ai.solver import TaskState

    rewards = Rewards(model, reduce, dict(how))

    @scorer(metrics=[mean(), stderr()], name="step_rewards")  # type: ignore[untyped-decorator]  # not installed
    def made() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 (a scorer's arguments)
            pair = ([state.input_text], [state.output.completion])
            (found,) = await run_sync(rewards.score, *pair)
            if found.value is None:
                return Score.unscored(explanation=found.error)
            return Score(value=found.value, explanation=_words(found), metadata={"first_error": found.first_error})

        return score

    return made()


def _words(found: "Reward") -> str:
    if found.first_error is None:
        return "no step is judged wrong"
    return f"step {found.first_error + 1} is the first error"
