"""Rows → rewards: the MLP head by hand, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from stepcheck.errors import CountMismatchError, ModelError, NonFiniteError
from stepcheck.prm.card import Readout
from stepcheck.prm.families import read_head
from stepcheck.prm.readout import LinearHead, LogRatioHead, MlpHead, activate

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
    assert isinstance(head, MlpHead)
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


def test_a_value_head_by_hand() -> None:
    """Row (1, 3): value = 2·1 - 3 + 0.5 = -0.5; reward = 1 / (1 + e^0.5)."""
    head = LinearHead(np.array([[2, -1]], np.float32), np.array([0.5], np.float32), activation="sigmoid")
    (reward,) = head.rewards(np.array([[1, 3]], np.float32))
    assert reward == pytest.approx(1 / (1 + np.exp(0.5)), abs=1e-6)


def test_a_token_classification_head_by_hand() -> None:
    """Row (1, 3): logits = (1, 3 + 1); reward = e^4 / (e^1 + e^4)."""
    head = LinearHead(np.eye(2, dtype=np.float32), np.array([0, 1], np.float32))
    (reward,) = head.rewards(np.array([[1, 3]], np.float32))
    assert reward == pytest.approx(np.exp(4) / (np.exp(1) + np.exp(4)), abs=1e-6)


def test_an_outcome_head_by_hand() -> None:
    """Inner (1, 2) as above; value = -1·1 + 2·2 - 1 = 2: as it is, or as 1 / (1 + e^-2)."""
    weight, bias = np.array([[-1, 2]], np.float32), np.array([-1], np.float32)
    row = np.array([[1, 3]], np.float32)
    assert MlpHead(HEAD.weight_in, HEAD.bias_in, weight, bias, activation="none").rewards(row).tolist() == [2.0]
    squashed = MlpHead(HEAD.weight_in, HEAD.bias_in, weight, bias, activation="sigmoid").rewards(row)
    assert squashed[0] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)


def test_a_log_ratio_by_hand() -> None:
    """By the model log p = -100, by the reference -80, scale 0.1: 0.1·(-100 + 80) = -2; reward = 1 / (1 + e^2)."""
    rows = np.array([[-100, -80]], np.float32)
    assert LogRatioHead(0.1, "none").rewards(rows).tolist() == [-2.0]
    assert LogRatioHead(0.1, "sigmoid").rewards(rows)[0] == pytest.approx(1 / (1 + np.exp(2)), abs=1e-6)


def test_a_sigmoid_of_thousands_does_not_overflow() -> None:
    """Values of ±10,000 give 0 and 1 without a warning."""
    assert activate(np.array([[-1e4], [1e4]], np.float32), "sigmoid").tolist() == [0.0, 1.0]


def test_a_linear_head_checks_its_rows() -> None:
    """The same refusals as the MLP head's: another width, NaN."""
    head = LinearHead(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    with pytest.raises(CountMismatchError, match="reads width 2"):
        head.rewards(np.zeros((1, 3), np.float32))
    with pytest.raises(NonFiniteError, match="step 1"):
        head.rewards(np.array([[np.nan, 0]], np.float32))


@pytest.mark.parametrize(
    ("rows", "readout", "words"),
    [
        (1, Readout(kind="linear"), r"'score.weight' has shape \(1, 3\), expected \(2, 3\)"),
        (2, Readout(kind="linear", activation="sigmoid"), r"'score.weight' has shape \(2, 3\), expected \(1, 3\)"),
        (2, Readout(kind="mlp"), r"no tensor 'score.0.weight'; an MLP head"),
        (2, Readout(kind="critic"), "a critic judges in words"),
    ],
)
def test_a_head_that_the_readout_cannot_read_is_refused(
    rows: int, readout: Readout, words: str, tmp_path: Path
) -> None:
    """Softmax needs two outputs, sigmoid one; the file and the tensor are named."""
    weights = {"score.weight": np.zeros((rows, 3), np.float32), "score.bias": np.zeros(rows, np.float32)}
    save_file(weights, tmp_path / "h.safetensors")
    with pytest.raises(ModelError, match=words):
        read_head(tmp_path / "h.safetensors", readout)


def test_a_linear_head_is_read_back(tmp_path: Path) -> None:
    """Both tensors, and what the card says of them."""
    weights = {"score.weight": np.ones((1, 3), np.float32), "score.bias": np.full(1, 2, np.float32)}
    save_file(weights, tmp_path / "h.safetensors")
    head = read_head(tmp_path / "h.safetensors", Readout(kind="linear", activation="none"))
    assert head.hidden == 3
    assert head.rewards(np.array([[1, 2, 3]], np.float32)).tolist() == [8.0]


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    """Not safetensors, or not there: one sentence."""
    (tmp_path / "h.safetensors").write_bytes(b"garbage!")
    for name in ("h.safetensors", "none.safetensors"):
        with pytest.raises(ModelError, match="cannot be read as a head"):
            read_head(tmp_path / name, Readout(kind="mlp"))
