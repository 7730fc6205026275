"""The tables: which command is which character, and which characters can be raised or lowered."""

from typing import Final, Literal

Kind = Literal["ord", "num", "bin", "rel", "open", "close", "punct", "func", "big", "text", "space", "fraction", "root"]


def _table(words: str) -> dict[str, str]:
    """Read `name character` pairs."""
    pieces = words.split()
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


_ORDINARY = _table(
    """alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ
    mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ chi χ psi ψ
    omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω infty ∞ partial ∂ nabla ∇
    forall ∀ exists ∃ nexists ∄ emptyset ∅ varnothing ∅ hbar ℏ ell ℓ Re ℜ Im ℑ aleph ℵ wp ℘ angle ∠ measuredangle ∡
    triangle △ square □ Box □ blacksquare ■ top ⊤ bot ⊥ prime ′ degree ° neg ¬ lnot ¬ dagger † ddagger ‡ star ⋆
    diamond ⋄ imath ı jmath ȷ ldots … dots … dotsc … dotso … cdots ⋯ dotsb ⋯ dotsm ⋯ vdots ⋮ ddots ⋱ pounds £ euro €
    checkmark ✓ clubsuit ♣ diamondsuit ♢ heartsuit ♡ spadesuit ♠ S § therefore ∴ because ∵ complement ∁"""
) | {"$": "$", "%": "%", "#": "#", "&": "&", "_": "_"}
_BINARY = _table(
    """times × div ÷ cdot · cdotp · pm ± mp ∓ ast ∗ circ ∘ bullet • oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ cup ∪
    cap ∩ setminus ∖ smallsetminus ∖ wedge ∧ land ∧ vee ∨ lor ∨ uplus ⊎ sqcup ⊔ sqcap ⊓ wr ≀ ltimes ⋉ rtimes ⋊
    bigtriangleup △ bigcirc ◯ Join ⋈ bowtie ⋈"""
)
_RELATIONS = _table(
    """le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ lt < gt > ll ≪ gg ≫ approx ≈ approxeq ≊ sim ∼ simeq ≃
    cong ≅ equiv ≡ propto ∝ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ subsetneq ⊊ supset ⊃ supseteq ⊇ nsubseteq ⊈ mid ∣
    nmid ∤ parallel ∥ nparallel ∦ perp ⊥ to → rightarrow → longrightarrow ⟶ leftarrow ← gets ← longleftarrow ⟵
    leftrightarrow ↔ longleftrightarrow ⟷ Rightarrow ⇒ Longrightarrow ⟹ implies ⟹ Leftarrow ⇐ Longleftarrow ⟸
    impliedby ⟸ Leftrightarrow ⇔ Longleftrightarrow ⟺ iff ⟺ mapsto ↦ longmapsto ⟼ uparrow ↑ downarrow ↓ Uparrow ⇑
    Downarrow ⇓ nearrow ↗ searrow ↘ swarrow ↙ nwarrow ↖ hookrightarrow ↪ hookleftarrow ↩ rightharpoonup ⇀
    rightleftharpoons ⇌ prec ≺ succ ≻ preceq ⪯ succeq ⪰ asymp ≍ doteq ≐ triangleq ≜ vdash ⊢ models ⊨ lesssim ≲
    frown ⌢ smile ⌣ gtrsim ≳ nless ≮ ngtr ≯ nleq ≰ ngeq ≱"""
)
_OPENING = _table("langle ⟨ lfloor ⌊ lceil ⌈ lbrace { lbrack [ { { lvert | lVert ‖")
_CLOSING = _table("rangle ⟩ rfloor ⌋ rceil ⌉ rbrace } rbrack ] } } rvert | rVert ‖")
_BIG = _table(
    """sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigvee ⋁
    bigwedge ⋀"""
)
_BARS = {"|": "‖", "vert": "|", "Vert": "‖", "backslash": "\\"}
_SPACES = {",": "thin", ":": " ", ";": " ", ">": " ", " ": " ", "!": "", "/": "", "quad": "  ", "qquad": "    "}
_SPACES |= {"enspace": " ", "thinspace": "thin", "medspace": " ", "thickspace": " ", "negthinspace": "", "\n": " "}
FUNCTIONS: Final = frozenset(
    """arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log
    max min Pr sec sin sinh sup tan tanh lcm""".split()  # noqa: SIM905 - a table of words reads better than thirty strings
)

LIMITS: Final = frozenset({"lim", "max", "min", "sup", "inf", "lim inf", "lim sup", "liminf", "limsup"})
"""What stands under these belongs to them alone: a fraction that follows is no part of their argument."""

SYMBOLS: Final[dict[str, tuple[str, Kind]]] = {
    **{name: (text, "ord") for name, text in (_ORDINARY | _BARS).items()},
    **{name: (text, "bin") for name, text in _BINARY.items()},
    **{name: (text, "rel") for name, text in _RELATIONS.items()},
    **{name: (text, "open") for name, text in _OPENING.items()},
    **{name: (text, "close") for name, text in _CLOSING.items()},
    **{name: (text, "big") for name, text in _BIG.items()},
    **{name: (text, "space") for name, text in _SPACES.items()},
    **{name: (name, "func") for name in FUNCTIONS},
    "bmod": ("mod", "bin"),
    "mod": ("mod", "bin"),
    "colon": (":", "punct"),
}
"""A command without arguments → its text and how it behaves among its neighbours."""

CHARACTERS: Final[dict[str, tuple[str, Kind]]] = {
    **{character: (character, "rel") for character in "=<>≤≥≠≈≡∈→⇒⇔"},
    **{character: (character, "bin") for character in "+×÷·±*"},
    **{character: (character, "open") for character in "(["},
    **{character: (character, "close") for character in ")]"},
    **{character: (character, "punct") for character in ",;"},
    "-": ("−", "bin"),
    "−": ("−", "bin"),
    "'": ("′", "ord"),
    "~": (" ", "space"),
}
NOT: Final = _table("= ≠ < ≮ > ≯ ∈ ∉ ⊂ ⊄ ⊆ ⊈ ≡ ≢ ≤ ≰ ≥ ≱ ∼ ≁ ≈ ≉ ∣ ∤ ∥ ∦ ∃ ∄ ≅ ≇")

SILENT: Final = frozenset(
    """displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits displaylimits left right middle big Big bigg
    Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm nonumber notag strut mathstrut relax null tiny small
    footnotesize scriptsize normalsize large Large LARGE huge Huge rm bf it sf tt cal hfill hfil noindent centering
    smallskip medskip bigskip allowbreak nobreak""".split()  # noqa: SIM905 - as above
)
"""Commands that change sizes and places only."""
FENCES: Final = frozenset({"left", "right", "middle"})
"""Those of them after which a full stop means: nothing here."""

SUPERSCRIPTS: Final = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθιφχ′*°",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᶥᵠᵡ′*°",
)
SUBSCRIPTS: Final = str.maketrans(
    "0123456789+-−=()aehijklmnoprstuvxβγρφχ",
    "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
)

_DOUBLE = _table("C ℂ H ℍ N ℕ P ℙ Q ℚ R ℝ Z ℤ")
_SCRIPT = _table("B ℬ E ℰ F ℱ H ℋ I ℐ L ℒ M ℳ R ℛ e ℯ g ℊ o ℴ")
_FRAKTUR = _table("C ℭ H ℌ I ℑ R ℜ Z ℨ")


def _letters(upper: int, lower: int, exceptions: dict[str, str] | None = None) -> dict[int, str]:
    """Map letters to one of Unicode's mathematical alphabets; some of their places are taken by older characters."""
    table = {ord("A") + i: chr(upper + i) for i in range(26)} | {ord("a") + i: chr(lower + i) for i in range(26)}
    return table | {ord(letter): text for letter, text in (exceptions or {}).items()}


_BOLD = _letters(0x1D400, 0x1D41A) | {ord("0") + i: chr(0x1D7CE + i) for i in range(10)}
_CURLED = _letters(0x1D49C, 0x1D4B6, _SCRIPT)
ALPHABETS: Final[dict[str, dict[int, str]]] = {
    "mathbb": _letters(0x1D538, 0x1D552, _DOUBLE) | {ord("1"): "𝟙"},
    "mathcal": _CURLED,
    "mathscr": _CURLED,
    "mathfrak": _letters(0x1D504, 0x1D51E, _FRAKTUR),
    "mathbf": _BOLD,
    "boldsymbol": _BOLD,
    "bm": _BOLD,
    "bold": _BOLD,
    "mathrm": {},
    "mathit": {},
    "mathsf": {},
    "mathtt": {},
    "mathnormal": {},
}
TEXTS: Final = frozenset(
    "text mbox textrm textbf textit textsf texttt textnormal textup emph hbox".split()  # noqa: SIM905 - as above
)
ACCENTS: Final = {
    "hat": "\u0302",
    "bar": "\u0304",
    "tilde": "\u0303",
    "dot": "\u0307",
    "ddot": "\u0308",
    "overline": "\u0305",
    "underline": "\u0332",
    "check": "\u030c",
    "acute": "\u0301",
    "grave": "\u0300",
    "breve": "\u0306",
    "mathring": "\u030a",
}
"""Combining characters; `overline` and `underline` go over every letter, the others over one."""
WIDE: Final = {
    "vec": "\u20d7",
    "widehat": "\u0302",
    "widetilde": "\u0303",
    "overrightarrow": "\u20d7",
    "overleftarrow": "\u20d6",
    "overleftrightarrow": "\u20e1",
}
STRIKES: Final = dict.fromkeys(("cancel", "bcancel", "xcancel", "sout"), "\u0338")
"""Combining characters that go over each of a few letters."""
FRACTIONS: Final = frozenset({"frac", "dfrac", "tfrac", "cfrac"})
BINOMIALS: Final = frozenset({"binom", "dbinom", "tbinom"})
MATRICES: Final = {
    "pmatrix": "()",
    "bmatrix": "[]",
    "Bmatrix": "{}",
    "vmatrix": "||",
    "Vmatrix": "‖‖",
    "matrix": "[]",
    "smallmatrix": "[]",
    "array": "[]",
}
ROWS: Final = frozenset(
    """align aligned alignat alignedat equation gather gathered multline multlined split eqnarray flalign math
    displaymath""".split()  # noqa: SIM905 - as above
)
"""Environments whose rows stand under each other."""
CASES: Final = frozenset({"cases", "dcases", "rcases"})
UNFENCED: Final = ROWS | CASES | {"array", "matrix", "smallmatrix"}
"""Environments without brackets of their own: a fence around them is theirs."""
