"""Rows → rewards: the MLP head by hand, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from stepcheck.errors import CountMismatchError, ModelError, NonFiniteError
from stepcheck.prm.card import Readout
from stepcheck.prm.readout import MlpHead, read_head

HEAD = MlpHead(
    weight_in=np.array([[1, 0], [0, 1]], np.float32),
    bias_in=np.array([0, -1], np.float32),
    weight_out=np.array([[0, 0], [1, 2]], np.float32),
    bias_out=np.array([0, 0.5], np.float32),
)


def tensors() -> dict[str, np.ndarray]:
    return {
        "score.0.weight": HEAD.weight_in,
        "score.0.bias": HEAD.bias_in,
        "score.2.weight": HEAD.weight_out,
        "score.2.bias": HEAD.bias_out,
    }


def test_a_reward_by_hand() -> None:
    """Row (1, 3): inner = relu(1, 3 - 1) = (1, 2); logits = (0, 1 + 4 + 0.5); reward = e^5.5 / (1 + e^5.5)."""
    (reward,) = HEAD.rewards(np.array([[1, 3]], np.float32))
    assert reward == pytest.approx(1 / (1 + np.exp(-5.5)), abs=1e-6)


def test_relu_cuts_what_is_negative() -> None:
    """Row (-5, 0): inner = relu(-5, -1) = (0, 0); logits = (0, 0.5)."""
    (reward,) = HEAD.rewards(np.array([[-5, 0]], np.float32))
    assert reward == pytest.approx(1 / (1 + np.exp(-0.5)), abs=1e-6)


def test_large_logits_do_not_overflow() -> None:
    """Logits of thousands give 1, not NaN."""
    assert HEAD.rewards(np.array([[1e4, 1e4]], np.float32)).tolist() == [1.0]


def test_the_positive_class_can_be_the_other() -> None:
    """With positive = 0 the reward is the other probability; the two sum to one."""
    row = np.array([[1, 3]], np.float32)
    other = MlpHead(HEAD.weight_in, HEAD.bias_in, HEAD.weight_out, HEAD.bias_out, positive=0)
    assert float(HEAD.rewards(row)[0] + other.rewards(row)[0]) == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_refused(bad: float) -> None:
    """NaN and infinity never become a reward; the message names the step and a way out."""
    with pytest.raises(NonFiniteError, match=r"step 2 .*bf16"):
        HEAD.rewards(np.array([[1, 2], [bad, 0]], np.float32))


def test_rows_of_another_width_are_refused() -> None:
    """Width 3 for a head of width 2."""
    with pytest.raises(CountMismatchError, match="reads width 2"):
        HEAD.rewards(np.zeros((1, 3), np.float32))


def test_a_head_is_read_back(tmp_path: Path) -> None:
    """What was written is what is read."""
    save_file(tensors(), tmp_path / "h.safetensors")
    head = read_head(tmp_path / "h.safetensors", Readout(kind="mlp"))
    assert head.hidden == 2
    assert (head.weight_out == HEAD.weight_out).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score.2.bias": None}, r"no tensor 'score.2.bias'"),
        ({"score.0.bias": np.zeros(3, np.float32)}, r"'score.0.bias' has shape \(3,\), expected \(2,\)"),
        ({"score.2.weight": np.zeros((1, 2), np.float32)}, r"'score.2.weight' has shape"),
        ({"score.2.bias": np.array([np.nan, 0], np.float32)}, r"'score.2.bias' holds values that are not finite"),
    ],
)
def test_a_wrong_head_is_refused(change: dict[str, np.ndarray | None], words: str, tmp_path: Path) -> None:
    """A missing tensor, a wrong shape, NaN: the error names file and tensor."""
    wrong = {name: tensor for name, tensor in (tensors() | change).items() if tensor is not None}
    save_file(wrong, tmp_path / "h.safetensors")
    with pytest.raises(ModelError, match=words) as caught:
        read_head(tmp_path / "h.safetensors", Readout(kind="mlp"))
    assert "h.safetensors" in str(caught.value)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    """Not safetensors, or not there: one sentence."""
    (tmp_path / "h.safetensors").write_bytes(b"garbage!")
    for name in ("h.safetensors", "none.safetensors"):
        with pytest.raises(ModelError, match="cannot be read as a head"):
            read_head(tmp_path / name, Readout(kind="mlp"))
