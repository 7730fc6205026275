"""What users get is the wheel, not the tree: it is built, looked into, installed and run."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a user would: without the variables that lead Python to the tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STEPCHECK"))}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=cwd,
        timeout=120,
        env={**kept, "PYTHONUTF8": "1", **environment},
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built by the build backend that pip would call."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment's folder of programs, with the wheel; its dependencies are those of this environment.

    llama-cpp-python takes minutes to compile, so the built one is shared: this environment's packages are found through
    a `.pth` file, after the fresh environment's own.
    """
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    libraries = Path(paths["purelib"])
    (libraries / "shared.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    python = Path(paths["scripts"]) / ("python.exe" if os.name == "nt" else "python")
    done = run(python, "-m", "pip", "install", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(paths["scripts"])


def program(folder: Path, name: str) -> Path:
    return folder / (f"{name}.exe" if os.name == "nt" else name)


def test_the_wheel_has_the_models_and_not_their_training(wheel: Path) -> None:
    """Every card and every file that a card names is there; no training code, no tests."""
    names = set(zipfile.ZipFile(wheel).namelist())
    cards = sorted((ROOT / "models").rglob("*.toml"))
    assert cards
    for card in cards:
        inside = "stepcheck/" + card.relative_to(ROOT).as_posix()
        assert inside in names
        data = tomllib.loads(card.read_text(encoding="utf-8"))
        files = {file for key, file in data.get("files", {}).items() if not key.endswith("sha256")}
        sources = [source for source in data.get("origin", {}).values() if isinstance(source, dict)]
        files |= {source["file"] for source in sources if not source.get("repository")}
        assert {f"{inside.rpartition('/')[0]}/{file}" for file in files} <= names
    assert not [name for name in names if name.startswith("stepcheck/models/") and name.endswith(".py")]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"stepcheck"}
    assert "stepcheck/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_the_built_in_model_is_in_the_wheel(wheel: Path) -> None:
    """The weights that a fresh machine needs come with the package: nano whole, at most 25 MB.

    Of stepcheck-0.5B head and adapter, at most 25 MB, without the official file that they belong to. The wheel is at
    most 60 MB.
    """
    with zipfile.ZipFile(wheel) as archive:
        weights = [info for info in archive.infolist() if info.filename.endswith((".gguf", ".safetensors"))]
    assert any("nano" in info.filename and info.filename.endswith(".gguf") for info in weights)
    assert any("nano" in info.filename and info.filename.endswith(".safetensors") for info in weights)
    assert sum(info.file_size for info in weights if "/nano/" in info.filename) <= 25e6
    ours = {info.filename.rpartition("/")[2]: info.file_size for info in weights if "/nano/" not in info.filename}
    assert set(ours) == {"stepcheck-0.5B.head.safetensors", "stepcheck-0.5B.lora.gguf"}
    assert sum(ours.values()) <= 25e6
    assert wheel.stat().st_size <= 60e6


def test_the_installed_command_judges_a_solution(installed: Path, tmp_path: Path) -> None:
    """Away from the tree, the installed command scores an example with the installed model."""
    code = "import stepcheck; print(stepcheck.__file__)"
    where = run(program(installed, "python"), "-c", code, cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent.resolve())
    source = min(EXAMPLES.glob("*.md"))
    shutil.copy(source, tmp_path / "solution.md")
    done = run(program(installed, "stepcheck"), "score", "solution.md", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "nano" in done.stdout
    assert "threshold" in done.stdout
    listed = run(program(installed, "stepcheck"), "models", "path", "nano", cwd=tmp_path)
    assert Path(listed.stdout.strip()).is_relative_to(installed.parent.resolve())


def test_the_installed_version(installed: Path, tmp_path: Path) -> None:
    """The program that the wheel installs starts."""
    done = run(program(installed, "stepcheck"), "--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("stepcheck ")
