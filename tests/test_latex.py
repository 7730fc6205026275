"""LaTeX for display: never wrong, never lost, never a crash."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcheck.latex import render, show
from stepcheck.latex.text import LONGEST
from stepcheck.steps.maths import formulas
from tests.search import examples

EXPRESSIONS = [
    (r"\frac{1}{2}", "1/2"),
    (r"\frac12", "1/2"),
    (r"\frac{1}{2}x", "(1/2)x"),
    (r"x\frac{1}{2}", "x(1/2)"),
    (r"2\frac{1}{3}", "2¹⁄₃"),
    (r"12\frac{3}{16}", "12³⁄₁₆"),
    (r"\frac{1}{1+\frac1x}", "1/(1 + 1/x)"),
    (r"\frac{\frac{1}{2}}{3}", "(1/2)/3"),
    (r"\frac{a}{\frac{b}{c}}", "a/(b/c)"),
    (r"\frac{a+b}{c}", "(a + b)/c"),
    (r"\frac{a}{b+c}", "a/(b + c)"),
    (r"\frac{a}{bc}", "a/(bc)"),
    (r"\frac{ab}{c}", "ab/c"),
    (r"\frac{-b\pm\sqrt{b^2-4ac}}{2a}", "(−b ± √(b² − 4ac))/(2a)"),
    (r"\frac{-1}{2}", "−1/2"),
    (r"a - \frac{-1}{2}", "a − (−1/2)"),
    (r"\frac{n(n+1)}{2}", "n(n + 1)/2"),
    (r"\frac{(a+b)(a-b)}{2}", "(a + b)(a − b)/2"),
    (r"\frac{(a+b)}{(c+d)}", "(a + b)/(c + d)"),
    (r"\frac{1}{(x+1)^2}", "1/((x + 1)²)"),
    (r"\frac{1}{x^2}", "1/x²"),
    (r"\frac{1}{2^n}", "1/2ⁿ"),
    (r"\frac{\pi}{6}", "π/6"),
    (r"\frac{2\pi r}{3}", "2πr/3"),
    (r"\dfrac{x}{y} + \tfrac{1}{2}", "x/y + 1/2"),
    (r"\frac{1}{2} + \frac{1}{3} = \frac{5}{6}", "1/2 + 1/3 = 5/6"),
    (r"3 \div \frac{1}{2}", "3 ÷ (1/2)"),
    (r"3 \times \frac{1}{2}", "3 × 1/2"),
    (r"\frac{1}{2} \div \frac{3}{4}", "1/2 ÷ (3/4)"),
    (r"\frac{a}{b}/c", "(a/b)/c"),
    (r"a/\frac{b}{c}", "a/(b/c)"),
    (r"\left(\frac{a}{b}\right)^2", "(a/b)²"),
    (r"\frac{a}{b}^2", "(a/b)²"),
    (r"{\frac12}^2", "(1/2)²"),
    (r"\frac{1}{2}(a+b)", "(1/2)(a + b)"),
    (r"\frac{1}{2}\sin x", "(1/2) sin x"),
    (r"\sin\frac{x}{2}", "sin(x/2)"),
    (r"\sin\left(\frac{x}{2}\right)", "sin(x/2)"),
    (r"\frac{\sin x}{x}", "(sin x)/x"),
    (r"\frac{n!}{k!(n-k)!}", "n!/(k!(n − k)!)"),
    (r"\frac{n}{2}!", "(n/2)!"),
    (r"\frac{25}{100}\%", "(25/100)%"),
    (r"\frac{\text{miles}}{\text{hour}}", "miles/hour"),
    (r"\frac{\text{number of hits}}{\text{all}}", "(number of hits)/all"),
    (r"\frac{x^2-1}{x-1}", "(x² − 1)/(x − 1)"),
    (r"\frac{3}{4}\cdot\frac{8}{9}", "3/4 · 8/9"),
    (r"a\over b", "a/b"),
    (r"{n+1 \over 2}x", "((n + 1)/2)x"),
    (r"x^2", "x²"),
    (r"x^{10}", "x¹⁰"),
    (r"x^{n-1}", "xⁿ⁻¹"),
    (r"x^{n+1}y", "xⁿ⁺¹y"),
    (r"x^q", "x^q"),
    (r"x^qy", "x^(q)y"),
    (r"x^{q+1}", "x^(q+1)"),
    (r"x^{\frac{1}{2}}", "x^(1/2)"),
    (r"x^{1/2}", "x^(1/2)"),
    (r"x^{-\frac12}", "x^(−1/2)"),
    (r"2^{2^n}", "2^(2ⁿ)"),
    (r"{2^3}^2", "(2³)²"),
    (r"(2^3)^2", "(2³)²"),
    (r"e^{i\pi} + 1 = 0", "e^(iπ) + 1 = 0"),
    (r"e^{-x}", "e⁻ˣ"),
    (r"10^{-3}", "10⁻³"),
    (r"x^{ab}", "xᵃᵇ"),
    (r"A^T", "Aᵀ"),
    (r"A^{-1}", "A⁻¹"),
    (r"f^{-1}(x)", "f⁻¹(x)"),
    (r"x^*", "x*"),
    (r"x'", "x′"),
    (r"f''(x)", "f′′(x)"),
    (r"f^{\prime}", "f′"),
    (r"90^\circ", "90°"),
    (r"90^{\circ}", "90°"),
    (r"30^\circ C", "30°C"),
    (r"\sin 30^\circ", "sin 30°"),
    (r"x^\text{th}", "xᵗʰ"),
    (r"n^{\text{th}}", "nᵗʰ"),
    (r"x_1", "x₁"),
    (r"x_{12}", "x₁₂"),
    (r"x_i", "xᵢ"),
    (r"x_{i+1}", "xᵢ₊₁"),
    (r"x_{i,j}", "x_(i,j)"),
    (r"x_{\max}", "xₘₐₓ"),
    (r"x_q", "x_q"),
    (r"x_q^2", "x_(q)²"),
    (r"x_1^2", "x₁²"),
    (r"x^2_1", "x²₁"),
    (r"a_{n-1}", "aₙ₋₁"),
    (r"a_1 + a_2 + \cdots + a_n", "a₁ + a₂ + ⋯ + aₙ"),
    (r"A_{\text{large}}", "A_(large)"),
    (r"\log_2 8", "log₂ 8"),
    (r"\log_28", "log₂ 8"),
    (r"\log_{10} x", "log₁₀ x"),
    (r"\log_b a", "log_b a"),
    (r"\log_{\frac12} x", "log_(1/2) x"),
    (r"{}^{14}C", "¹⁴C"),
    (r"x^{y^z}", "x^(yᶻ)"),
    (r"\sqrt{2}", "√2"),
    (r"\sqrt2", "√2"),
    (r"\sqrt{x+1}", "√(x + 1)"),
    (r"\sqrt{x}y", "√(x)y"),
    (r"\sqrt{3}x", "√(3)x"),
    (r"2\sqrt{3}", "2√3"),
    (r"\sqrt{2}\sqrt{3}", "√(2)√3"),
    (r"\sqrt{x^2}", "√(x²)"),
    (r"\sqrt{x}^2", "√(x)²"),
    (r"\sqrt{2x}", "√(2x)"),
    (r"\sqrt{\frac{1}{2}}", "√(1/2)"),
    (r"\sqrt{x_1}", "√x₁"),
    (r"\sqrt[3]{8}", "∛8"),
    (r"2\sqrt[3]{8}", "2∛8"),
    (r"\sqrt[4]{16}", "∜16"),
    (r"\sqrt[n]{x}", "ⁿ√x"),
    (r"2\sqrt[5]{x}", "2(⁵√(x))"),
    (r"\sqrt[n]{x}y", "(ⁿ√(x))y"),
    (r"\sqrt[q]{x}", "root(q, x)"),
    (r"\sqrt[2]{x}", "²√x"),
    (r"\frac{\sqrt{3}}{2}", "√3/2"),
    (r"\frac{1}{\sqrt{2}}", "1/√2"),
    (r"\sqrt{\sqrt{2}}", "√√2"),
    (r"\sqrt{16} = 4.", "√16 = 4."),
    (r"\sum_{i=1}^{n} i", "∑ᵢ₌₁ⁿ i"),
    (r"\sum_{i=1}^n i^2", "∑ᵢ₌₁ⁿ i²"),
    (r"\sum_{k \in S} k", "∑_(k∈S) k"),
    (r"\sum_{n=1}^\infty \frac{1}{n^2}", "∑ₙ₌₁^∞ 1/n²"),
    (r"\prod_{i=1}^{n} a_i", "∏ᵢ₌₁ⁿ aᵢ"),
    (r"\int_0^1 x^2\,dx", "∫₀¹ x² dx"),
    (r"\int_{a}^{b} f(x) dx", "∫ₐᵇ f(x)dx"),
    (r"\lim_{x\to 0} \frac{\sin x}{x}", "lim_(x→0) (sin x)/x"),
    (r"\lim_{n \to \infty} a_n", "lim_(n→∞) aₙ"),
    (r"\max(a, b)", "max(a, b)"),
    (r"\max_{x \in A} f(x)", "max_(x∈A) f(x)"),
    (r"\gcd(12, 18) = 6", "gcd(12, 18) = 6"),
    (r"\binom{n}{k}", "(n choose k)"),
    (r"\binom{5}{2} = 10", "(5 choose 2) = 10"),
    (r"2\binom{n}{k}", "2(n choose k)"),
    (r"{n \choose k}", "(n choose k)"),
    (r"\binom{n}{2}^2", "(n choose 2)²"),
    (r"\begin{cases} x & x \ge 0 \\ -x & x < 0 \end{cases}", "{ x, x ≥ 0; −x, x < 0 }"),
    (
        r"f(x) = \begin{cases} x, & \text{if } x \ge 0, \\ -x & \text{otherwise} \end{cases}",
        "f(x) = { x, if x ≥ 0; −x, otherwise }",
    ),
    (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(a, b; c, d)"),
    (r"\begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}", "[1, 0; 0, 1]"),
    (r"\begin{vmatrix} a & b \\ c & d \end{vmatrix} = ad - bc", "|a, b; c, d| = ad − bc"),
    (r"\frac{1}{3}\begin{pmatrix} 2 \\ 1 \end{pmatrix}", "(1/3)(2; 1)"),
    (r"\begin{array}{cc} 1 & 2 \\ 3 & 4 \end{array}", "[1, 2; 3, 4]"),
    (r"\begin{array}{rr} & 24 \\ + & 48 \end{array}", "24\n+ 48"),
    (r"\begin{align*} a &= b + c \\ &= d \end{align*}", "a = b + c\n= d"),
    (r"\begin{aligned} x &= 1, \\[2pt] y &= 2 \end{aligned}", "x = 1,\ny = 2"),
    (r"\boxed{42}", "⟦42⟧"),
    (r"\boxed{\frac{42}{5}}", "⟦42/5⟧"),
    (r"\boxed{x = 3}", "⟦x = 3⟧"),
    (r"24\times2=48", "24 × 2 = 48"),
    (r"24 \times 2 = 48", "24 × 2 = 48"),
    (r"6 \div 3", "6 ÷ 3"),
    (r"a\cdot b", "a · b"),
    (r"a * b", "a * b"),
    (r"-x", "−x"),
    (r"-x + -y", "−x + −y"),
    (r"x=-1", "x = −1"),
    (r"2-3", "2 − 3"),
    (r"(-2)(-3)", "(−2)(−3)"),
    (r"3\cdot(-2)", "3 · (−2)"),
    (r"a\pm b", "a ± b"),
    (r"1,000", "1,000"),
    (r"1{,}000", "1,000"),
    (r"1,000,000 + 1", "1,000,000 + 1"),
    (r"f(1,000)", "f(1,000)"),
    (r"(1,2)", "(1, 2)"),
    (r"(1, 2, 3)", "(1, 2, 3)"),
    (r"10\,000", "10 000"),
    (r"3.14", "3.14"),
    (r"0.5x", "0.5x"),
    (r"12 34", "12 34"),
    (r"a \le b < c \ne d", "a ≤ b < c ≠ d"),
    (r"a\leq b", "a ≤ b"),
    (r"x \in \{1, 2, 3\}", "x ∈ {1, 2, 3}"),
    (r"\{x \mid x > 0\}", "{x ∣ x > 0}"),
    (r"A \cup B \cap C", "A ∪ B ∩ C"),
    (r"A \subseteq B", "A ⊆ B"),
    (r"x \notin A", "x ∉ A"),
    (r"a\not=b", "a ≠ b"),
    (r"a \not\equiv b", "a ≢ b"),
    (r"a \equiv b \pmod{7}", "a ≡ b (mod 7)"),
    (r"a \bmod b", "a mod b"),
    (r"\pi r^2", "πr²"),
    (r"\alpha+\beta", "α + β"),
    (r"\theta = 30^\circ", "θ = 30°"),
    (r"\triangle ABC \sim \triangle DEF", "△ABC ∼ △DEF"),
    (r"\angle ABC = 90^\circ", "∠ABC = 90°"),
    (r"AB \parallel CD", "AB ∥ CD"),
    (r"AB \perp CD", "AB ⊥ CD"),
    (r"p \implies q", "p ⟹ q"),
    (r"p \Leftrightarrow q", "p ⇔ q"),
    (r"f: A \to B", "f:A → B"),
    (r"\forall \epsilon > 0", "∀ε > 0"),
    (r"\therefore x = 2", "∴x = 2"),
    (r"\lfloor x \rfloor", "⌊x⌋"),
    (r"\lceil x/2 \rceil", "⌈x/2⌉"),
    (r"|x-1|", "|x − 1|"),
    (r"\left|x\right|", "|x|"),
    (r"\left.\frac{x^2}{2}\right|_0^1", "(x²/2)|₀¹"),
    (r"\|v\|", "‖v‖"),
    (r"\mathbb{R}^n", "ℝⁿ"),
    (r"\mathbb{Z}", "ℤ"),
    (r"\mathcal{L}", "ℒ"),
    (r"\mathbf{v}", "𝐯"),
    (r"\mathrm{d}x", "dx"),
    (r"\operatorname{lcm}(4, 6)", "lcm(4, 6)"),
    (r"\vec{v}\cdot\hat{n}", "v⃗ · n̂"),
    (r"\bar{x}", "x̄"),
    (r"\overline{AB}", "A̅B̅"),
    (r"\overline{x+y}", "\\overline{x+y}"),
    (r"\text{if } x > 0", "if x > 0"),
    (r"\text{area} = 5\text{ cm}^2", "area = 5 cm²"),
    (r"x \text{ and } y", "x and y"),
    (r"5\text{ m}", "5 m"),
    (r"\text{cost of $n$ items}", "cost of n items"),
    (r"\$5", "$5"),
    (r"\$3.50 \times 2", "$3.50 × 2"),
    (r"50\%", "50%"),
    (r"50%", "50%"),
    (r"x \quad y", "x  y"),
    (r"x \qquad\text{or}\qquad y", "x  or  y"),
    (r"a,\ b", "a, b"),
    (r"\ldots", "…"),
    (r"1, 2, \ldots, n", "1, 2, …, n"),
    (r"\displaystyle\sum_{i} i", "∑ᵢ i"),
    (r"4!", "4!"),
    (r"(n-1)!", "(n − 1)!"),
    (r"\sin^2\theta+\cos^2\theta=1", "sin² θ + cos² θ = 1"),
    (r"\sin 2x", "sin 2x"),
    (r"2\sin x\cos x", "2 sin x cos x"),
    (r"\sin(x+y)", "sin(x + y)"),
    (r"\ln x", "ln x"),
    (r"\tan^{-1} x", "tan⁻¹ x"),
    (r"\arctan 1", "arctan 1"),
    (r"\foo{a}{b}c", "\\foo{a}{b} c"),
    (r"\foo", "\\foo"),
    (r"\overrightarrow{AB}", "A⃗B⃗"),
    (r"\overrightarrow{x+y}", "\\overrightarrow{x+y}"),
    (r"\overleftarrow{AB}", "A⃖B⃖"),
    (r"\widehat{ABC}", "A\u0302B\u0302C\u0302"),
    (r"\widetilde{x}", "x̃"),
    (r"\widehat{a+b}", "\\widehat{a+b}"),
    (r"\cancel{x}", "x̸"),
    (r"\cancel{2}x", "2̸x"),
    (r"\frac{\cancel{12}a}{\cancel{12}}", "1̸2̸a/(1̸2̸)"),
    (r"\cancel{x+1}", "\\cancel{x+1}"),
    (r"\overset{?}{=}", "≟"),
    (r"a \stackrel{\text{def}}{=} b", "a ≝ b"),
    (r"a \overset{(1)}{=} b", "a =[(1)] b"),
    (r"\overset{f}{\to}", "—f→"),
    (r"\overset{\frown}{AB}", "⌢AB"),
    (r"\overset{\rightarrow}{AB}", "A⃗B⃗"),
    (r"\overset{a}{b}", "\\overset{a}{b}"),
    (r"\underset{x \to 0}{\lim} f", "lim_(x→0) f"),
    (r"\underset{a}{b}", "\\underset{a}{b}"),
    (r"\underbrace{a+b}_{2}", "(a + b ⏟ 2)"),
    (r"\underbrace{1+\cdots+1}_{n}", "(1 + ⋯ + 1 ⏟ n)"),
    (r"2\overbrace{a+b}^{\text{sum}}c", "2(a + b ⏞ sum)c"),
    (r"\underbrace{a+b}c", "(a + b)c"),
    (r"A \xrightarrow{f} B", "A —f→ B"),
    (r"A \xleftarrow{g} B \xrightarrow{} C", "A ←g— B → C"),
    (r"A \xrightarrow[x]{f} B", "A\\xrightarrow[x]{f}B"),
    (r"\sum_{\substack{i<j}} a_i", "∑_(i<j) aᵢ"),
    (r"\sum_{\substack{i<j \\ j<n}} a", "∑_(i<j, j<n) a"),
    (r"x\hspace{1cm}y \nonumber", "x y"),
    (r"x\hspace*{-2pt}y\vspace{1em}", "x y"),
    (r"x\kern1em y\hskip 2cm z\mkern-3mu", "x y z"),
    (r"x\phantom{00}y\vphantom{\frac12}", "x y"),
    (r"\label{eq:1} x = 1 \notag", "x = 1"),
    (r"x = 1 \tag*{A}", "x = 1  A"),
    (r"\color{red}x + \textcolor{blue}{y+1}z", "x + (y + 1)z"),
    (r"\smash{x+1}^2", "(x + 1)²"),
    (r"2\frac{1}{2}\%", "2¹⁄₂%"),
    (r"2\frac12 x", "2¹⁄₂x"),
    (r"1,000\frac{3}{4}\text{ m}", "1,000³⁄₄ m"),
    (r"3\frac12!", "3¹⁄₂!"),
    (r"2\frac12(3)", "2¹⁄₂(3)"),
    (r"2\frac12\frac13", "2(1/2)(1/3)"),
    (r"2\frac73", "2(7/3)"),
    (r"37\frac{1}{2}^{\circ}", "37¹⁄₂°"),
    (r"2\,\frac12\mathrm{cm}", "2 ¹⁄₂cm"),
    (r"2\frac12^2", "2(1/2)²"),
    (r"\vec{AB} \cdot \overrightarrow{P_1P_2}", "A⃗B⃗ · P⃗₁P⃗₂"),
    (r"\wideparen{AB}", "⌢AB"),
    (r"a \xlongequal{x} b", "a =[x] b"),
    (r"\colorbox{yellow}{so $x^2$} + \bbox[5px]{y}", "so x² + y"),
    (r"2.5\frac12", "2.5(1/2)"),
    (r"x\frac12\%", "x(1/2)%"),
    (r"\operatorname*{argmax}_x f(x)", "argmaxₓ f(x)"),
    (r"\operatorname*{arg\,min}_{x \in A} f", "arg min_(x∈A) f"),
    (r"f = \left\{\begin{array}{ll} x, & x>0 \\ -x, & x \le 0 \end{array}\right.", "f = { x, x > 0; −x, x ≤ 0 }"),
    (r"\left\{\begin{aligned} x+y&=3,\\ x-y&=1\end{aligned}\right.", "{ x + y = 3; x − y = 1 }"),
    (r"\left\{\begin{cases}x\\y\end{cases}\right.", "{ x; y }"),
    (r"\{\begin{array}{l} x \\ y \end{array}", "{ x; y }"),
    (r"\left\{\begin{array}{l} x \\ y \end{array}\right\}", "{x; y}"),
    (r"\left(\begin{array}{cc}1&2\\3&4\end{array}\right)x", "(1, 2; 3, 4)x"),
    (r"\left[\begin{matrix}1&2\\3&4\end{matrix}\right]", "[1, 2; 3, 4]"),
    (r"\left|\begin{array}{cc}a&b\\c&d\end{array}\right| = 2", "|a, b; c, d| = 2"),
    (r"\left.\begin{array}{l}x=1\\y=2\end{array}\right\} \Rightarrow z", "x = 1; y = 2} ⇒ z"),
    (r"\left(A\begin{array}{cc}1&2\\3&4\end{array}\right)", "(A[1, 2; 3, 4])"),
    (r"\frac x \sqrt{x}", "x/√x"),
    (r"\frac\sqrt x x", "√x/x"),
    (r"\frac{1}\sqrt2", "1/√2"),
    (r"\sqrt\frac{1}{2}x", "√(1/2)x"),
    (r"\sqrt[3]\frac12", "∛(1/2)"),
    (r"\frac\pi\sqrt{3}", "π/√3"),
    (r"\frac 1 \text{hour}", "1/hour"),
    (r"\boxed\frac12", "⟦1/2⟧"),
    (r"\frac\frac12 3", "(1/2)/3"),
    (r"\frac x \sqrt", "\\frac x \\sqrt"),
    (r"2^\sqrt{3}", "2^(√3)"),
    (r"x^\foo", "x^(\\foo)"),
    (r"\begin{foo} a \end{foo}", "\\begin{foo} a \\end{foo}"),
    (r"\frac{a}{", "\\frac{a}{"),
    (r"}", "}"),
    (r"{", "{"),
    (r"x^", "x^"),
    (r"_", "_"),
    (r"\begin{align} x", "\\begin{align} x"),
    (r"\hat{xy}", "\\hat{xy}"),
    (r"f([x]) = [/tex] y", "f([x]) = [/tex]y"),
    (r"[@click=app.bell]x[/]", "[@click = app.bell]x[/]"),
    (r"x\tag{1}", "x  (1)"),
    (r"a\\b", "a\nb"),
    (r"a \& b", "a&b"),
    (r"a\_b", "a_b"),
    (r"\mathbf{12}", "𝟏𝟐"),
    (r"\star", "⋆"),
    (r"你好 + 1", "你好 + 1"),
    (r"x²+1", "x² + 1"),
    (r"ab\frac{c}{d}ef", "ab(c/d)ef"),
    (r"\frac{\frac{a}{b}}{\frac{c}{d}}", "(a/b)/(c/d)"),
    (r"1 - \frac{x}{2} - \frac{y}{3}", "1 − x/2 − y/3"),
    (r"\frac{x}{y}z + 1", "(x/y)z + 1"),
    (r"2^{10}5", "2¹⁰5"),
    (r"\frac{dy}{dx}", "dy/(dx)"),
    (r"P(A|B) = \frac{P(A \cap B)}{P(B)}", "P(A|B) = P(A ∩ B)/(P(B))"),
    (r"\left\lfloor \frac{n}{2} \right\rfloor", "⌊n/2⌋"),
    (r"(a+b)^2 = a^2+2ab+b^2", "(a + b)² = a² + 2ab + b²"),
    (r"x = \frac{-4 \pm \sqrt{16 - 4}}{2}", "x = (−4 ± √(16 − 4))/2"),
]
"""Each was read by eye: what stands on the right means what the formula means."""


def test_there_are_enough() -> None:
    """The promise is 150; none is there twice."""
    assert len({source for source, _ in EXPRESSIONS}) == len(EXPRESSIONS) >= 150


@pytest.mark.parametrize(("source", "shown"), EXPRESSIONS)
def test_expressions(source: str, shown: str) -> None:
    """A formula reads as expected."""
    assert render(source) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("So $x^2 = 4$.", "So x² = 4."),
        (r"So \(x^2\) and \[y_1\]", "So x² and y₁"),
        ("It costs $5 and $10.", "It costs $5 and $10."),
        (r"It costs \$5, 10\%.", "It costs $5, 10%."),
        ("$$24 \\times 2\n= 48$$", "24 × 2 = 48"),
        ("`$x^2$` is code", "`$x^2$` is code"),
        (r"\begin{align}a&=1\\b&=2\end{align}", "a = 1\nb = 2"),
        (r"An open $\frac{1}{2 is text", r"An open $\frac{1}{2 is text"),
        (r"$\frac{1}{2$ is no LaTeX", r"$\frac{1}{2$ is no LaTeX"),
        (r"\(165 \times 12 = $1980\)", "165 × 12 = $1980"),
        ("no maths [at] all", "no maths [at] all"),
        (r"So the answer is \boxed{\frac{1}{2}}.", "So the answer is ⟦1/2⟧."),
        (r"\boxed{5} and $\boxed{6}$, `\boxed{7}` is code", r"⟦5⟧ and ⟦6⟧, `\boxed{7}` is code"),
        (r"**\boxed{42}** or \fbox{\text{C}}", "**⟦42⟧** or ⟦C⟧"),
        (r"\boxed{$5$} or \boxed{\$5}", "⟦5⟧ or ⟦$5⟧"),
        (r"\boxed{\boxed{C}}", "⟦⟦C⟧⟧"),
        ("\\boxed{5\n\nb} is open", "\\boxed{5\n\nb} is open"),
        (r"\\boxed{3} is escaped twice", r"\\boxed{3} is escaped twice"),
        (r"So $\boxed{$14}$ in all", "So ⟦$14⟧ in all"),
        ("Let's say $x = $5$.", "Let's say x = $5."),
        ("", ""),
    ],
)
def test_texts(text: str, shown: str) -> None:
    """Formulas in a text are replaced; code, money and what is no LaTeX stay."""
    assert show(text) == shown


def test_what_is_too_long_stays() -> None:
    """A huge formula is not parsed, so that it cannot keep the screen waiting."""
    source = "x+" * LONGEST
    assert render(source) == source


COMMAND = re.compile(
    r"\\(?:[hv]?phantom|label|color|[hvm]space\*?)\{[^{}]*\}|\\(?:begin|end)\s*\{[a-zA-Z]+\*?\}(?:\{[^{}]*\})?|\\[a-zA-Z]+\*?|\\\\\s*\[-?[\d.]+[a-z]+\]"
)
ROOTS = str.maketrans({"∛": "3√", "∜": "4√"})


def letters(text: str) -> list[str]:
    """Letters and digits, scripts and alphabets undone."""
    return [letter for letter in unicodedata.normalize("NFKD", text.translate(ROOTS)) if letter.isalnum()]


def lost(source: str, shown: str) -> list[str]:
    """Return what does not appear any more, in order; the names of commands are no text."""
    if shown == source:
        return []
    left = iter(letters(shown))
    return [letter for letter in letters(COMMAND.sub(" ", source)) if letter not in left]


def test_the_search_finds_losses() -> None:
    """The measure above sees a letter that is gone, and one that changed its place."""
    assert lost("ab", "b")
    assert lost(r"\frac{ab}{c}", "ba/c")
    assert not lost(r"x^{2}+\sqrt[3]{8}", "x²+∛8")


def strings(value: object) -> Iterator[str]:
    """Every string of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from strings(child)
    elif isinstance(value, list):
        for child in value:
            yield from strings(child)


def rows(path: Path) -> Iterator[object]:
    if path.suffix == ".jsonl":
        yield from (msgspec.json.decode(line) for line in path.read_bytes().splitlines())
    else:
        yield msgspec.json.decode(path.read_bytes())


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.soak)])
def test_no_formula_of_the_data_is_lost(shared: Path, every: int) -> None:
    """Formulas of ProcessBench, Best-of-N and GSM8K: no crash, every letter and digit still there, in order."""
    files = ("processbench/gsm8k.json", "processbench/math.json", "bon/math_cot_100.jsonl", "gsm8k/train.jsonl")
    texts = dict.fromkeys(text for file in files for row in rows(shared / file) for text in strings(row))
    found = list(dict.fromkeys(text[start:end] for text in list(texts)[::every] for start, end in formulas(text)))
    wrong = [source for source in found if lost(source, show(source))]
    as_source = sum("\\" in show(source) for source in found)
    print(f"{len(found):,} formulas: {len(wrong)} with a loss, {as_source} with a command left as source")
    assert not wrong[:5]


PIECES = ["x", "12", "+", "-", "=", "^", "_", "{", "}", "(", ")", "[", "]", "$", "&", "%", "~", "|", ",", ".", " "]
PIECES += [
    "\\frac",
    "\\sqrt",
    "\\text",
    "\\left",
    "\\right",
    "\\\\",
    "\\begin{cases}",
    "\\end{cases}",
    "\\begin{array}{c}",
]
PIECES += [
    "\\end{array}",
    "\\foo",
    "\\boxed",
    "\\over",
    "\\not",
    "\\binom",
    "\\sum",
    "\\sin",
    "\\overset",
    "\\underbrace",
    "\\xrightarrow",
    "\\substack",
    "\\cancel",
    "\\widehat",
    "\\operatorname*",
    "\\left\\{",
    "\\right.",
    "\\",
    "\n",
    "\x1b",
    "é",
    "步",
]


@settings(max_examples=examples(400))
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_anything_renders(source: str) -> None:
    """Pieces of LaTeX in any order: no exception, no letter lost."""
    assert not lost(source, render(source))
