"""Documents whose words are Chinese characters: the arithmetic must be judged whatever stands around it.

Each English word becomes one or two characters, the same ones throughout a document, so what the text says about names
and things keeps its shape although nothing is translated. Numbers, operators and LaTeX stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from models.nano.writing import Fragment, Tree

CHARACTERS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多"
    "定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因"
    "由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解"
    "问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少"
    "图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七"
    "海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目"
    "送买卖价钱元角斤千克米厘箱筐盒苹梨桃书笔班班级学校华丽明红剩余平均共需付找买走跑快慢"
)
"""Frequent characters, and some of word problems."""
WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z][A-Za-z'’-]+")
"""An English word; not a LaTeX command, not a single letter that may be a sign or a variable."""
STOPS = str.maketrans({",": "，", "?": "？", ";": "；", "!": "！"})


class Translator:
    """One document's way of writing Chinese."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._words: dict[str, str] = {}
        self._loose = rng.random() < 0.5
        self._stops = rng.random() < 0.8

    def text(self, text: str) -> str:
        """Words as characters, without the spaces between them."""
        out = WORD.sub(self._word, text)
        out = re.sub(r"(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])", "", out)
        if not self._loose:
            out = re.sub(r"(?<=[\u4e00-\u9fff]) +(?=[\d$\\])|(?<=[\d$)]) +(?=[\u4e00-\u9fff])", "", out)
        if self._stops:
            out = re.sub(r"\.(?=\s|$)", "。", out)
            out = re.sub(r"(?<=[\u4e00-\u9fff])[,?;!] ?", lambda m: m[0].strip().translate(STOPS), out)
        return out

    def fragments(self, step: Iterable[Fragment]) -> tuple[Fragment, ...]:
        """The same for a step: what has a right value is left alone."""
        return tuple(f if f.right is not None else replace(f, text=self.text(f.text)) for f in step)

    def tree(self, tree: Tree) -> Tree:
        """The same for a whole tree."""
        return replace(
            tree,
            question=self.text(tree.question),
            steps=tuple(self.fragments(step) for step in tree.steps),
            slips=tuple((at, self.fragments(step)) for at, step in tree.slips),
        )

    def _word(self, match: re.Match[str]) -> str:
        word = match[0].lower()
        if word not in self._words:
            length = 1 if len(word) <= 4 else self._rng.choice((1, 2, 2))
            self._words[word] = "".join(self._rng.choice(CHARACTERS) for _ in range(length))
        return self._words[word]
