"""What opens the judge: the one place where the app names the library's checker.

The app takes an `OpenJudge` as it takes a critic and a puller; by default it is the checker that the settings ask for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepcheck.config import Config
    from stepcheck.judge import Judge

OnLoading = Callable[[float], None]
"""Hears the share of a model that is loaded, 0 to 1."""
OpenJudge = Callable[[str, OnLoading], "Judge"]
"""Opens the model of a name, in the thread that will judge with it. Raises StepcheckError."""


def opener(config: "Config") -> OpenJudge:
    """Open models as the settings say."""

    def open_judge(model: str, on_loading: OnLoading) -> "Judge":
        from stepcheck.checker import Checker

        return Checker(
            model,
            threshold=config.threshold,
            models_dir=config.models_dir,
            options=config.engine,
            on_loading=on_loading,
        )

    return open_judge
