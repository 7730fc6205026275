"""Settings, and where each one comes from: flags > environment > ./stepcheck.toml > user file > default.

The only reader of the environment. Refuses what it does not know: an unknown key is an error with its file and the
nearest known name, for a misspelt setting that is silently ignored is worse than none.
"""

import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from stepcheck.engine.base import EngineOptions
from stepcheck.errors import UsageError

FILE_NAME = "stepcheck.toml"
PREFIX = "STEPCHECK_"
_LARGEST = 2**31 - 1  # llama.cpp counts in int32

Probability = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1, le=_LARGEST)]
Threads = Annotated[int, Meta(ge=1, le=512)]
"""ggml's GGML_MAX_N_THREADS; one more ends its process."""
NotNegative = Annotated[int, Meta(ge=0, le=_LARGEST)]
Words = Annotated[str, Meta(min_length=1)]
Flag = Annotated[bool, Meta(title="flag")]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its type, what to say when a value does not fit, its other names (a table has none), its meaning.

    `otherwise` says what is taken where nothing is set, in words.
    """

    kind: Any
    expected: str
    environment: str
    flag: str
    default: Any = None
    meaning: str = ""
    otherwise: str = ""


_COUNT = "a whole number, 1 or more"
_FOLDER = "your data folder"
KEYS: Mapping[str, Key] = {
    "model": Key(Words, "a model's name or a card's path", "MODEL", "--model", "nano", "the model that judges", "nano"),
    "models_dir": Key(Words, "a folder", "MODELS", "--models-dir", None, "where models are kept", _FOLDER),
    "runs_dir": Key(Words, "a folder", "RUNS", "--runs-dir", None, "where runs of benches are kept", _FOLDER),
    "threshold": Key(
        Probability,
        "a number from 0 to 1",
        "THRESHOLD",
        "--threshold",
        None,
        "a step with a lower reward is wrong",
        "the model's",
    ),
    "n_threads": Key(
        Threads, "a whole number from 1 to 512", "N_THREADS", "--threads", None, "CPU threads", "one per core"
    ),
    "n_gpu_layers": Key(
        NotNegative,
        "a whole number, 0 or more",
        "N_GPU_LAYERS",
        "--gpu-layers",
        None,
        "layers on the accelerator",
        "all, if any",
    ),
    "n_ctx": Key(Positive, _COUNT, "N_CTX", "--ctx", None, "room of the KV cache, in tokens", "the model's"),
    "offline": Key(
        Flag, "true or false", "OFFLINE", "--offline", False, "open no connection", "STEPCHECK_OFFLINE, HF_HUB_OFFLINE"
    ),
    "n_ubatch": Key(Positive, _COUNT, "N_UBATCH", "--ubatch", None, "tokens per decode", "512"),
    "server": Key(
        Words,
        "an address like http://gpu:8000, or: here",
        "SERVER",
        "--server",
        None,
        "a server that judges, of `stepcheck serve` or vLLM; here: this machine",
        "this machine",
    ),
    "server_token_file": Key(
        Words, "a file", "SERVER_TOKEN_FILE", "--server-token-file", None, "the file with the server's token", "none"
    ),
    "theme": Key(Words, "a theme's name", "THEME", "--theme", "okabe-ito", "the app's colours", "okabe-ito"),
    "keys": Key(dict[str, str], "a table of ids and keys", "", "", None, "the app's keys"),
}
PROJECT: ContextVar[bool] = ContextVar("project", default=True)
"""Whether the settings file of this folder is read: `stepcheck --no-project-config …` switches it off for a command."""
DEBUG = "DEBUG"
CRITIC_KEY = "CRITIC_KEY"
SERVER_TOKEN = "SERVER_TOKEN"  # noqa: S105 (a variable's name)
"""No settings: a secret is neither kept in a file nor shown."""
NOT_OF_FOLDERS = ("server", "server_token_file")
"""What `./stepcheck.toml` may not set: the folder may be somebody else's, and solutions would go where it says."""
HERE = "here"
LONGEST_TOKEN = 4096
HUB_OFFLINE = "HF_HUB_OFFLINE"
"""The hub library's own variable and what it takes for yes; honoured, so that one variable keeps a machine offline."""
YES = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and its origin in words, e.g. `environment STEPCHECK_MODEL`."""

    value: Any
    origin: str
    line: str = ""
    """In a file: `:3`, for the beginning of a message."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, one for every key of `KEYS`; None means: the model's or the machine's own default."""

    settings: Mapping[str, Setting]
    project: str = ""
    """The settings file of this folder, as origins name it; empty where none was read."""

    @property
    def chosen_here(self) -> tuple[str, ...]:
        """What the file of this folder chose that decides what is loaded, in words: a foreign folder may hold one."""
        return tuple(
            f"{self.project} here sets {name} = {self.settings[name].value!r} (not with: stepcheck --no-project-config)"
            for name in ("model", "models_dir")
            if self.settings[name].origin == self.project
        )

    def origin(self, name: str) -> str:
        """Where a setting comes from, for the beginning of a message: `stepcheck.toml:3`, `flag --theme`."""
        setting = self.settings[name]
        return setting.origin + setting.line

    @property
    def model(self) -> str:
        """The model's name or its card's path."""
        return str(self.settings["model"].value)

    @property
    def models_dir(self) -> Path | None:
        """The folder of models; None is the user's data folder."""
        value = self.settings["models_dir"].value
        return None if value is None else Path(value)

    @property
    def runs_dir(self) -> Path | None:
        """The folder of runs; None is the user's data folder."""
        value = self.settings["runs_dir"].value
        return None if value is None else Path(value)

    @property
    def threshold(self) -> float | None:
        """The reward under which a step is wrong; None is the card's."""
        value: float | None = self.settings["threshold"].value
        return value

    @property
    def offline(self) -> bool:
        """Whether no connection may be opened."""
        return bool(self.settings["offline"].value)

    @property
    def server(self) -> str:
        """The address of the server that judges; empty where this machine does."""
        value = str(self.settings["server"].value or "")
        return "" if value == HERE else value

    @property
    def theme(self) -> str:
        """The colours of the app, by name."""
        return str(self.settings["theme"].value)

    @property
    def keys(self) -> Mapping[str, str]:
        """The app's keys that were chosen anew: what they do → keys."""
        return dict(self.settings["keys"].value or {})

    @property
    def engine(self) -> EngineOptions:
        """How llama.cpp is to run."""
        names = ("n_threads", "n_gpu_layers", "n_ctx", "n_ubatch")
        return EngineOptions(**{name: self.settings[name].value for name in names})


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user_file: Path | None = None,
) -> Config:
    """Gather the settings; a flag that is None was not given.

    Raises:
        UsageError: a file is not TOML, a key is unknown, or a value does not fit; names where it stands.
    """
    environment = os.environ if environment is None else environment
    found = {name: Setting(key.default, "default") for name, key in KEYS.items()}
    found |= _from_file(user_file or user_config_file())
    project = (folder or Path()) / FILE_NAME
    here = _from_file(project) if PROJECT.get() else {}
    for name in NOT_OF_FOLDERS:
        if name in here:
            raise UsageError(
                f"{here[name].origin}{here[name].line}: '{name}' is not taken from a folder's file, which may be "
                f"somebody else's: put it into {user_file or user_config_file()}, or give {KEYS[name].flag}"
            )
    found |= here
    found |= _from_environment(environment)
    found |= _from_flags(flags or {})
    return Config(found, str(project) if here else "")


def user_config_file() -> Path:
    """Return the user's own file, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("stepcheck", appauthor=False) / FILE_NAME


def debugging(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether STEPCHECK_DEBUG asks for tracebacks: anything but empty and 0 does."""
    environment = os.environ if environment is None else environment
    return environment.get(PREFIX + DEBUG, "") not in {"", "0"}


def critic_key(environment: Mapping[str, str] | None = None) -> str:
    """Return the key for a critic's server, from STEPCHECK_CRITIC_KEY; empty where none is needed."""
    environment = os.environ if environment is None else environment
    return environment.get(PREFIX + CRITIC_KEY, "")


def server_token(path: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Return the token that `stepcheck serve` wants and its clients send; empty where there is none.

    It is taken from STEPCHECK_SERVER_TOKEN, else from a file.

    Raises:
        UsageError: the file cannot be read, or holds more than a token; what it holds is not shown.
    """
    environment = os.environ if environment is None else environment
    told = environment.get(PREFIX + SERVER_TOKEN, "")
    if told or path is None:
        return told
    try:
        with Path(path).expanduser().open(encoding="utf-8-sig") as file:
            token = file.read(LONGEST_TOKEN + 1).strip()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "is no text"
        raise UsageError(f"{path}: the server's token cannot be read: {said}") from error
    if not token or len(token.split()) > 1 or len(token) > LONGEST_TOKEN:
        raise UsageError(f"{path}: expected a token in one line and nothing else")
    return token


def editor(environment: Mapping[str, str] | None = None) -> list[str]:
    """The user's editor and its arguments: VISUAL, else EDITOR, else what the system is sure to have."""
    environment = os.environ if environment is None else environment
    chosen = environment.get("VISUAL") or environment.get("EDITOR") or ""
    return shlex.split(chosen, posix=os.name == "posix") or (["notepad"] if os.name == "nt" else ["vi"])


def forget_empty_no_color() -> None:
    """Take an empty NO_COLOR out of this process's environment: it means nothing (no-color.org), Textual heeds it."""
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]


def multiply_alone() -> None:
    """Let numpy multiply in one thread, unless somebody chose otherwise; before it is imported.

    A reward head's matrices are small, and the threads of OpenBLAS wait for each other at every product: on two cores
    with other work a row of nano took 21 ms in its head instead of 0.1.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def keep_ray_to_itself(*, anew: bool) -> None:
    """Tell a Ray cluster that is started here to report nothing, and to let in only who has a token made for it.

    Processes inherit these variables. Ray reads its token as it is imported: `anew` says that it was not yet. Whoever
    chose a way of their own (RAY_AUTH_MODE) keeps it, but for the reports.
    """
    import secrets

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if anew and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def dumb_terminal(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether the terminal cannot move its cursor (TERM=dumb)."""
    environment = os.environ if environment is None else environment
    return environment.get("TERM") == "dumb"


def _from_flags(flags: Mapping[str, Any]) -> dict[str, Setting]:
    origins = {name: f"flag {KEYS[name].flag}" for name, value in flags.items() if value is not None}
    return {name: Setting(_fit(name, flags[name], origin), origin) for name, origin in origins.items()}


def _from_file(path: Path) -> dict[str, Setting]:
    """Read a TOML file that may be absent; a relative folder is relative to the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number of more digits than Python reads
        raise UsageError(f"{path}: not a TOML file: {error}") from error
    for name in table:
        if name not in KEYS:
            raise UsageError(f"{path}{_line(text, name)}: unknown key '{name}'{_nearest(name, KEYS)}")
    values = {name: _fit(name, value, f"{path}{_line(text, name)}") for name, value in table.items()}
    for name in {"models_dir", "runs_dir", "server_token_file"} & values.keys():
        values[name] = str(path.absolute().parent / Path(values[name]).expanduser())
    return {name: Setting(value, str(path), _line(text, name)) for name, value in values.items()}


def _line(text: str, name: str) -> str:
    """Where a key stands in a file, as `:3`; empty where it is written in a way that is not looked for."""
    found = re.search(rf"""^[ \t]*\[*[ \t]*["']?{re.escape(name)}["']?[ \t]*[=\].]""", text, re.MULTILINE)
    return f":{1 + text.count(chr(10), 0, found.start())}" if found else ""


def _from_environment(environment: Mapping[str, str]) -> dict[str, Setting]:
    """Read the variables that start with STEPCHECK_, and HF_HUB_OFFLINE; an empty one counts as not set."""
    found = {name: Setting(value, f"environment {variable}") for name, variable, value in _variables(environment)}
    if environment.get(HUB_OFFLINE, "").upper() in YES:
        found["offline"] = Setting(value=True, origin=f"environment {HUB_OFFLINE}")
    return found


def _variables(environment: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    names = {PREFIX + key.environment: name for name, key in KEYS.items() if key.environment}
    others = (PREFIX + DEBUG, PREFIX + CRITIC_KEY, PREFIX + SERVER_TOKEN)
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in others or not text:
            continue
        if variable not in names:
            raise UsageError(f"environment: unknown variable {variable}{_nearest(variable, (*names, *others))}")
        name = names[variable]
        yield name, variable, _fit(name, text, f"environment {variable}", strict=False)


def _fit(name: str, value: Any, origin: str, *, strict: bool = True) -> Any:  # noqa: ANN401 (any TOML value comes in)
    try:
        return msgspec.convert(value, KEYS[name].kind, strict=strict)
    except msgspec.ValidationError as error:
        raise UsageError(f"{origin}: {name} = {value!r}: expected {KEYS[name].expected}") from error


def _nearest(name: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Suggest the closest known name, or list them all."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"
