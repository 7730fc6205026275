"""Regular expressions that are compiled when they are first used: a command pays for those that it needs.

The one way of this house to state a pattern beside a module's other constants; a test holds it. Owns also how letters
compare where case does not count. Refuses to know any pattern.
"""

import re
from typing import Any, AnyStr, Final, cast

_PUBLIC: Final = tuple(name for name in dir(re.Pattern) if not name.startswith("_"))


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """State a pattern: used as a compiled one is, but for the functions of `re`, which take none."""
    return cast("re.Pattern[AnyStr]", _Uncompiled(source, flags))


def folded(text: str) -> str:
    """Put a text into small letters as `re.IGNORECASE` compares them: the Turkish ı and İ are an i, the long ſ is an s.

    So a word that a pattern found is the one that the pattern names.
    """
    return text.casefold().replace("\u0307", "").replace("ı", "i")


class _Uncompiled:
    """Stands for a pattern; once it was used, its attributes are the compiled one's own."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self.pattern, self._flags = source, flags

    def __repr__(self) -> str:
        return f"regex({self.pattern!r})"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever a compiled one has)
        if name not in _PUBLIC:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        self.__dict__ |= {each: getattr(compiled, each) for each in _PUBLIC}
        return self.__dict__[name]
