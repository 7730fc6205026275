"""Fixtures that many tests share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test

from stepcheck.engine.cores import usable_cores
from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import WeightType
from tests import checkpoints, search

ROOT = Path(__file__).parent.parent
REAL_MODELS = "STEPCHECK_REAL_MODELS"
KEPT = "TESTS_REAL_MODELS"


def pytest_configure(config: pytest.Config) -> None:
    """Heed Ctrl-C, for the programs under test inherit it: a shell starts what it puts behind `&` deaf to it.

    Choose how property tests search before any of them is imported. Keep the folder of real models under a name that is
    no setting: programs under test refuse a STEPCHECK_ variable that they do not know.
    """
    if REAL_MODELS in os.environ:
        os.environ[KEPT] = os.environ.pop(REAL_MODELS)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    search.choose(soak=config.getoption("-m") == "soak")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than the cores: tests wait for processes, terminals and clocks, and 1.4 of two cores were busy."""
    return usable_cores() + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Property tests belong to both runs: in the long one they search longer."""
    if config.getoption("-m") == "soak":
        for item in items:
            if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
                item.add_marker(pytest.mark.soak)
                item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data beside the checkout; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the data folder beside the checkout (../shared/data), which is not there")
    return folder


@pytest.fixture(scope="session")
def real_models() -> Path:
    """The folder with official files that were pulled by hand; tests that need one skip where none is named."""
    folder = os.environ.get(KEPT)
    if not folder:
        pytest.skip(f"needs real models: {REAL_MODELS}=FOLDER")
    return Path(folder)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Miniatures are not worth a second thread's waiting in torch: on a busy machine it took 100 times as long."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def examples() -> Path:
    """Our own examples."""
    return ROOT / "examples"


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a small random model in f16: rewards mean nothing, everything else is real."""
    folder = tmp_path_factory.mktemp("random")
    checkpoint = checkpoints.write(folder / "checkpoint", checkpoints.Spec())
    return convert(checkpoint, folder, weight_type=WeightType.F16, name="random")


@pytest.fixture(scope="session")
def random_model_q8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in q8_0."""
    folder = tmp_path_factory.mktemp("random-q8")
    checkpoint = checkpoints.write(folder / "checkpoint", checkpoints.Spec())
    return convert(checkpoint, folder, weight_type=WeightType.Q8_0, name="random-q8")
