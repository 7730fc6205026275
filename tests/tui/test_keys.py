"""What a person chose of the app's looks and keys is checked before the app starts."""

from pathlib import Path

import pytest

from stepcheck.cli.main import main
from stepcheck.errors import UsageError
from stepcheck.tui.keys import KEYS, keymap

WRONG = [
    ({"qiut": "x"}, "nothing is called 'qiut'; did you mean 'quit'?"),
    ({"quit": "nokey"}, "quit = 'nokey': there is no such key"),
    ({"quit": "ctrl+nokey"}, "there is no such key"),
    ({"quit": ""}, "there is no such key"),
    ({"quit": "j"}, "quit = 'j': j is down already"),
    ({"search": "ctrl+s"}, "search = 'ctrl+s': Ctrl-s is save already"),
    ({"open": "e", "edit": "o", "sort": "e"}, "sort = 'e': e is open already"),
    ({"quit": "/"}, "quit = 'slash': / is search already"),
]


@pytest.mark.parametrize(("chosen", "words"), WRONG)
def test_a_key_that_cannot_be_is_refused(chosen: dict[str, str], words: str) -> None:
    """No such id, no such key, one key for two things on a screen: said with the id and what is there already."""
    with pytest.raises(UsageError) as caught:
        keymap(chosen, "stepcheck.toml:2")
    assert str(caught.value).startswith("stepcheck.toml:2: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("chosen", "spelled"),
    [
        ({"next-error": "f8"}, {"next-error": "f8"}),
        ({"quit": "Q,ctrl+w"}, {"quit": "Q,ctrl+w"}),
        ({"search": "?", "help": "/"}, {"search": "question_mark", "help": "slash"}),
        ({"first": "G", "last": "g"}, {"first": "G", "last": "g"}),
        ({"open": "e"}, {"open": "e"}),
    ],
)
def test_free_keys_may_be_chosen(chosen: dict[str, str], spelled: dict[str, str]) -> None:
    """Two may change places; a key is free where its other use is on another screen; signs may be typed as they are."""
    assert keymap(chosen) == spelled


def test_our_own_keys_do_not_clash() -> None:
    """Each thing's own keys, chosen once more, are accepted."""
    for key in KEYS:
        assert keymap({key.id: key.keys}) == {key.id: key.keys}


@pytest.mark.parametrize(
    ("settings", "flags", "words"),
    [
        ("", ["--theme", "okabe"], "error: flag --theme: no theme is called 'okabe'; did you mean 'okabe-ito'?"),
        ('# mine\ntheme = "nope"\n', [], "error: stepcheck.toml:2: no theme is called 'nope'; there are "),
        ('[keys]\nquit = "j"\n', [], "error: stepcheck.toml:1: quit = 'j': j is down already"),
    ],
)
def test_a_wrong_setting_is_no_defect(
    settings: str,
    flags: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A theme or a key that does not exist ends with 2 and a sentence that says where it stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepcheck.toml").write_text(settings)
    monkeypatch.setattr("stepcheck.tui.terminal.take", lambda *_, **__: None)
    assert main(["tui", ".", *flags]) == 2
    assert words in capsys.readouterr().err
