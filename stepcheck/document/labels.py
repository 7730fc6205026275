"""Labels of steps → the first wrong one.

Owns what people write for a right and a wrong step. Refuses to guess: a label that is none of these is an error, and so
is a list that is not as long as the steps. Read only where a bench needs it, so that no label refuses a row that is
merely judged.
"""

from collections.abc import Sequence

from stepcheck.document.given import decode
from stepcheck.errors import InputError

RIGHT = -1
"""In the place of the first wrong step: all are right."""
_WORDS: dict[str, bool] = dict.fromkeys(("+", "1", "true", "right", "correct", "good", "ok", "neutral", "yes"), True)
_WORDS |= dict.fromkeys(("-", "−", "-1", "0", "false", "wrong", "incorrect", "bad", "no"), False)


def first_errors(raw: bytes, counts: Sequence[int | None], key: str, place: str) -> list[int]:
    """Return the 0-based first wrong step of each solution, -1 where all are right.

    `counts` are their steps; None for one that could not be read, whose label is not looked at.

    `raw` is JSON: for one solution a number (the first wrong step) or a list (a label a step); for several a list of
    these. Raises InputError with the key's path.
    """
    value = decode(raw, object, key, place)
    if len(counts) == 1:
        alone = isinstance(value, list) and len(value) == 1 and isinstance(value[0], list)
        return [_first_error(value[0] if alone else value, counts[0], f"`{key}`", place)]  # type: ignore[index]
    if not isinstance(value, list) or len(value) != len(counts):
        raise InputError(f"{place}: `{key}`: expected a list of {len(counts)}, one label for each solution")
    return [_first_error(one, counts[i], f"`{key}[{i}]`", place) for i, one in enumerate(value)]


def _first_error(value: object, count: int | None, key: str, place: str) -> int:
    if count is None:
        return RIGHT
    if isinstance(value, list):
        return _of_list(value, count, key, place)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{place}: {key}: expected the 0-based first wrong step or -1, or a list with a label a step")
    if not RIGHT <= value < count:
        raise InputError(f"{place}: {key} is {value}: expected -1 to {count - 1} for {count} steps")
    return value


def _of_list(values: list[object], count: int, key: str, place: str) -> int:
    if len(values) != count:
        raise InputError(f"{place}: {key} has {len(values)} values for {count} steps")
    neutral = any(not isinstance(value, bool) and value == -1 for value in values)
    for index, value in enumerate(values):
        right = _is_right(value, neutral=neutral)
        if right is None:
            raise InputError(
                f"{place}: {key[:-1]}[{index}]` is {str(value)[:40]!r}: expected true or false, 1 or 0, + or -"
            )
        if not right:
            return index
    return RIGHT


def _is_right(value: object, *, neutral: bool) -> bool | None:
    """Whether a step is right; where -1 is wrong, 0 is neutral, which is not wrong (PRM800K)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return {1: True, -1: False, 0: neutral}.get(int(value)) if value == int(value) else None
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
