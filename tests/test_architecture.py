"""What holds the house up: imports go down, the core knows no terminal, nothing executes what it reads."""

import ast
import graphlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "stepcheck"
MODULES = sorted(PACKAGE.rglob("*.py"))
LLAMA_DOORS = {
    "engine/binding.py",
    "hub/gguf/quantize.py",
    "hub/gguf/requantize.py",
}
LIGHT = ("stepcheck", "stepcheck.errors", "stepcheck.document", "stepcheck.prm.card", "stepcheck.config")

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "joblib",
    "code",
    "codeop",
    "torch",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "sympify", "parse_expr"}
FORBIDDEN_OPTIONS = {"trust_remote_code", "allow_pickle", "shell"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the modules that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def dangers(module: ast.Module) -> Iterator[str]:
    """Yield what executes data or could: modules, calls and options."""
    for node in ast.walk(module):
        yield from (name for name in imported(node) if name.split(".")[0] in FORBIDDEN_MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in FORBIDDEN_CALLS or called.split(".")[-1] in {"sympify", "parse_expr"}:
            yield called
        for option in node.keywords:
            said_no = isinstance(option.value, ast.Constant) and option.value.value is False
            if option.arg in FORBIDDEN_OPTIONS and not said_no:
                yield f"{called}({option.arg}=…)"


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_import_contracts() -> None:
    """The layers of pyproject.toml hold, with no module outside them."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 kept, 0 broken" in done.stdout


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path, known: set[str]) -> set[str]:
    """Return the package's modules that a module imports anywhere: at its top, in a function, for type hints."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {deep if deep in known else node.module for deep in names}
    return (found & known) - {dotted(path)}


def test_no_modules_import_each_other() -> None:
    """There is no import circle, not even one that is put off into a function or holds for type hints only."""
    known = {dotted(path) for path in MODULES}
    graph = {dotted(path): imports_of(path, known) for path in MODULES}
    assert sum(map(len, graph.values())) > len(graph)
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(graph | {"stepcheck.errors": {"stepcheck.tui.app"}}).prepare()


def test_no_import_cycle() -> None:
    """No module leads back to itself over imports, those inside functions included: each can be read from below up."""
    names = {module_name(path): path for path in MODULES}
    imports = {module: set(needed(tree(path), names)) for module, path in names.items()}
    order = TopologicalSorter(imports)
    order.prepare()  # raises CycleError, which names the modules


def needed(module: ast.Module, names: Collection[str]) -> Iterator[str]:
    """Yield the package's own modules that a module imports, but for those that only the type checker reads."""
    typed = {id(node) for block in ast.walk(module) if is_type_checking(block) for node in ast.walk(block)}
    for node in ast.walk(module):
        if id(node) in typed:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (full if full in names else node.module for full in inside if node.module in names)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_executes_what_it_reads(path: Path) -> None:
    """No pickle, no eval, no shell, no remote code anywhere in the package."""
    assert list(dangers(tree(path))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from torch import load",
        "eval(text)",
        "os.system('ls')",
        "load(x, trust_remote_code=True)",
        "numpy.load(f, allow_pickle=flag)",
        "subprocess.run('ls', shell=True)",
        "sympy.sympify(answer)",
    ],
)
def test_the_search_finds_dangers(code: str) -> None:
    """The search above would see each of them."""
    assert list(dangers(ast.parse(code)))
    assert not list(dangers(ast.parse("re.compile('x'); numpy.load(f, allow_pickle=False); run(a, shell=False)")))


def test_llama_cpp_has_two_doors() -> None:
    """Only these modules import llama_cpp, so that only they can crash, and only in a child process."""
    doors = {
        name(path)
        for path in MODULES
        if any(module.split(".")[0] == "llama_cpp" for node in ast.walk(tree(path)) for module in imported(node))
    }
    assert doors <= LLAMA_DOORS


def test_only_config_reads_the_environment() -> None:
    """Settings come from one place, with their origin; no other module looks into the environment for one.

    A process is started with the environment of its parent and what is set for it.
    """
    readers = {
        name(path)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.getenv", "os.environ.get", "os.environ"}
    }
    allowed = {"config.py", "engine/spawn.py"}
    assert readers <= allowed


def test_every_import_is_a_declared_dependency() -> None:
    """What the package imports is installed with it; the tests' environment would hide a forgotten one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=!~\[ ]", line)[0].lower() for line in project["dependencies"]}
    # the extras `plots`, `parquet`, `ray` and `serve`, which are asked for where they are missing
    extras = {"report/plots/figures.py": {"matplotlib"}, "document/parquet.py": {"pyarrow"}}
    extras |= {name(path): {"ray", "pyarrow"} for path in MODULES if name(path).startswith("ray/")}
    extras |= {f"serve/{module}.py": {"h11", "uvicorn"} for module in ("connections", "server")}
    # what a framework brings that calls its client
    extras |= {"integrations/inspect.py": {"anyio", "inspect_ai"}, "integrations/openrlhf.py": {"starlette"}}
    homes = importlib.metadata.packages_distributions()
    foreign = {
        module.split(".")[0]
        for path in MODULES
        for node in ast.walk(tree(path))
        for module in imported(node)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "stepcheck", *extras.get(name(path), ())}
    }
    assert "numpy" in foreign
    names = {module: {home.lower().replace("_", "-") for home in homes.get(module, [module])} for module in foreign}
    assert {module for module, found in names.items() if not found & declared} == set()


def test_the_doors_to_the_network() -> None:
    """Offline means offline: no module but a door imports what could open a socket. `http` itself holds names only."""
    network = {
        "uvicorn",
        "socket",
        "ssl",
        "http",
        "urllib",
        "ftplib",
        "smtplib",
        "requests",
        "httpx",
        "httpx2",
        "aiohttp",
        "huggingface_hub",
    }
    found = {
        (name(path), module)
        for path in MODULES
        for node in ast.walk(tree(path))
        for module in imported(node)
        if module.split(".")[0] in network and module not in {"urllib.parse", "http"}
    }
    assert {path for path, _ in found} == {
        "critic/server.py",
        "door/connection.py",
        "door/reach.py",
        "hub/net/remote.py",
        "serve/connections.py",
        "serve/server.py",
    }


def test_a_door_is_opened_on_request_only() -> None:
    """The connection is imported when an address is given, not with the critic."""
    code = "import sys, stepcheck.critic.opening; print('stepcheck.door.connection' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_the_door_is_opened_on_request_only() -> None:
    """The hub's door imports the network's libraries inside its functions: importing it costs and opens nothing."""
    code = "import sys, stepcheck.hub.net.fetch; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert not {entry.split(".")[0] for entry in done.stdout.split()} & {"huggingface_hub", "httpx2", "ssl"}


def test_the_checker_loads_no_numbers_early() -> None:
    """Importing the checker loads neither numpy nor the hub's libraries: a command starts before it needs them."""
    code = "import sys, stepcheck.checker; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert not {entry.split(".")[0] for entry in done.stdout.split()} & {"numpy", "huggingface_hub", "filelock"}


def test_click_is_not_imported() -> None:
    """Typer carries a click of its own: an exception of the other click would pass it by."""
    assert not [
        name(path)
        for path in MODULES
        for node in ast.walk(tree(path))
        if any(module.split(".")[0] == "click" for module in imported(node))
    ]


def test_no_pattern_is_compiled_while_modules_are_imported() -> None:
    """A command pays for the patterns that it uses: `patterns.regex` compiles them later."""

    def compiled_at_import(node: ast.AST) -> Iterator[int]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and ast.unparse(child.func) == "re.compile":
                yield child.lineno
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from compiled_at_import(child)

    assert not [f"{name(path)}:{line}" for path in MODULES for line in compiled_at_import(tree(path))]


def test_no_match_is_told_by_its_pattern() -> None:
    """A match names its compiled pattern, not what `patterns.regex` stated: `match.re is PATTERN` never holds."""
    asked = {
        (name(path), ast.unparse(node))
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        and any(isinstance(side, ast.Attribute) and side.attr == "re" for side in (node.left, *node.comparators))
    }
    assert asked == set()


def test_the_engines_process_reads_no_documents() -> None:
    """The worker imports of this package what reads prompts, not what reads files: it is there a tenth sooner."""
    code = "import sys, stepcheck.engine.wire, stepcheck.engine.plan; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    rooms = {entry.split(".")[1] for entry in done.stdout.split() if entry.startswith("stepcheck.")}
    assert rooms == {"engine", "errors", "patterns", "prm"}


@pytest.mark.parametrize("module", LIGHT)
def test_the_core_loads_no_terminal(module: str) -> None:
    """Importing the core, in a fresh interpreter, loads neither a user interface nor the engine's libraries."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    loaded = {entry.split(".")[0] for entry in done.stdout.split()}
    assert "stepcheck" in loaded
    assert not loaded & {"rich", "textual", "typer", "click", "llama_cpp", "gguf", "safetensors", "torch"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_and_functions_stay_small(path: Path) -> None:
    """A module is at most 400 lines and a function at most 60: what is longer is two things."""
    module = tree(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert ast.get_docstring(module)
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 60]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_docstring_says_more_than_the_name(path: Path) -> None:
    """Three words and fewer repeat what the name says already."""
    documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(tree(path)) if isinstance(node, documented) and not node.name.startswith("_")]
    short = [node.name for node in nodes if 0 < len((ast.get_docstring(node) or "").split()) <= 3]
    assert not short


def test_the_top_of_the_tree_holds_what_the_map_names_and_no_scratch_folder() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so nothing says what is kept")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    folders = {path.split("/")[0] for path in done.stdout.split("\0") if "/" in path}
    assert folders == {".ci", ".github", "benchmarks", "docs", "examples", "models", "stepcheck", "tests"}
