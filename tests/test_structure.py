"""What structures a text: the names, numbers and lines that people and models write, in many languages."""

import pytest

from stepcheck.steps import split

CASES: dict[str, tuple[str, list[str]]] = {
    # `Step n` in the languages that models write
    "German": ("Schritt 1: a\n\nb\n\nSchritt 2: c", ["a\n\nb", "c"]),
    "German, the number first": ("1. Schritt: a\n\nb\n\n2. Schritt: c", ["a\n\nb", "c"]),
    "French": ("**Étape 1 :** a\n\nb\n\n**Étape 2 :** c", ["a\n\nb", "c"]),
    "French, in capitals": ("ETAPE 1 : a\n\nb\n\nETAPE 2 : c", ["a\n\nb", "c"]),
    "Spanish": ("Paso 1: a\n\nb\n\nPaso 2: c", ["a\n\nb", "c"]),
    "Italian": ("### Passo 1\na\n\nb\n\n### Passo 2\nc", ["a\n\nb", "c"]),
    "Italian, another word": ("Passaggio 1: a\n\nb\n\nPassaggio 2: c", ["a\n\nb", "c"]),
    "Portuguese": ("Etapa 1: a\n\nb\n\nEtapa 2: c", ["a\n\nb", "c"]),
    "Russian": ("Шаг 1. a\n\nb\n\nШаг 2. c", ["a\n\nb", "c"]),
    "Russian, in words": ("Первый шаг: a\n\nb\n\nВторой шаг: c", ["a\n\nb", "c"]),
    "Japanese": ("ステップ1：a\n\nb\n\nステップ2：c", ["a\n\nb", "c"]),
    "Japanese, in Han": ("手順１：a\n\nb\n\n手順２：c", ["a\n\nb", "c"]),
    "Korean": ("1단계: a\n\nb\n\n2단계: c", ["a\n\nb", "c"]),
    "Korean, the word first": ("단계 1: a\n\nb\n\n단계 2: c", ["a\n\nb", "c"]),
    "Chinese, traditional": ("步驟一：a\n\nb\n\n步驟二：c", ["a\n\nb", "c"]),
    # how it is written
    "an emoji in front": ("🔢 Step 1: a\n\nb\n\n✅ Step 2: c", ["a\n\nb", "c"]),
    "an emoji in a heading, bold": (
        "### 🔨 **Step 1: a**\nb\n### 🔧 **Step 2: c**\nd",
        ["🔨 **Step 1: a**\nb", "🔧 **Step 2: c**\nd"],
    ),
    "tags": ("<b>Step 1:</b> a\n\nb\n\n<b>Step 2:</b> c", ["a\n\nb", "c"]),
    "a heading of HTML": ("<h3>Step 1</h3>\na\n\nb\n\n<h3>Step 2</h3>\nc", ["a\n\nb", "c"]),
    "TeX": ("\\textbf{Step 1:} a\n\nb\n\n\\textbf{Step 2:} c", ["a\n\nb", "c"]),
    "sections of TeX": (
        "\\section*{Step 1: x}\na\n\nb\n\n\\section*{Step 2: y}\nc",
        ["\\section*{Step 1: x}\na\n\nb", "\\section*{Step 2: y}\nc"],
    ),
    "sections of TeX, the number alone": ("\\subsection*{Step 1}\na\n\nb\n\n\\subsection*{Step 2}\nc", ["a\n\nb", "c"]),
    "spaces in front": ("  Step 1: a\n\nb\n\n  Step 2: c", ["a\n\nb", "c"]),
    "brackets": ("[Step 1] a\n\nb\n\n[Step 2] c", ["a\n\nb", "c"]),
    "Chinese brackets": ("【步骤1】a\n\nb\n\n【步骤2】c", ["a\n\nb", "c"]),
    "bullets": ("- **Step 1:** a\n\nb\n\n- **Step 2:** c", ["a\n\nb", "c"]),
    "of how many": ("Step 1/2: a\n\nb\n\nStep 2/2: c", ["a\n\nb", "c"]),
    "in words": ("Step One: a\n\nb\n\nStep Two: c", ["a\n\nb", "c"]),
    "ordinals": ("First step: a\n\nb\n\nSecond step: c", ["a\n\nb", "c"]),
    "sentences that are no names": ("First step.\n\nSecond step.", ["First step.", "Second step."]),
    "names of nothing": ("Step 1.\n\nStep 2.", ["Step 1.", "Step 2."]),
    "a title in parentheses": (
        "Step 1 (x): a\n\nb\n\nStep 2 (y): c",
        ["Step 1 (x): a\n\nb", "Step 2 (y): c"],
    ),
    "keycaps for numbers": ("Step 1️⃣: a\n\nb\n\nStep 2️⃣: c", ["a\n\nb", "c"]),
    "Roman": ("Step I: a\n\nb\n\nStep II: c", ["a\n\nb", "c"]),
    "bold, and a bold answer": (
        "**Step 1: a**\n\n* b\n\n**Step 2: c**\n\n* d\n\n**It is 7.**",
        ["**Step 1: a**\n\n* b", "**Step 2: c**\n\n* d", "**It is 7.**"],
    ),
    # within a line
    "on one line": ("Step 1: a. Step 2: b. Step 3: c.", ["a.", "b.", "c."]),
    "on one line, without stops": ("Step 1: 2 + 2 = 4 Step 2: 4 + 1 = 5", ["2 + 2 = 4", "4 + 1 = 5"]),
    "on one line, Spanish": ("Paso 1: a. Paso 2: b.", ["a.", "b."]),
    "on one line, Chinese": ("第一步：甲。第二步：乙。", ["甲。", "乙。"]),
    "on one line, bold": ("**Step 1:** a. **Step 2:** b.", ["a.", "b."]),
    "behind an introduction": ("We add. Step 1: a. Step 2: b.", ["We add.", "a.", "b."]),
    "what only speaks of a step": ("Step 1: a, which Step 3: needs.\n\nStep 2: b", ["a, which Step 3: needs.", "b"]),
    "we go on with step 2": ("Step 1: a.\n\nNow we go on with step 2: b", ["a.\n\nNow we go on with step 2: b"]),
    # counted titles
    "headings": ("### 1. a\n\nb\n\nc\n\n### 2. d\n\ne", ["a\n\nb\n\nc", "d\n\ne"]),
    "bold lines": ("**1. a**\n\n* b\n* c\n\n**2. d**\n\n* e", ["**1. a**\n\n* b\n* c", "**2. d**\n\n* e"]),
    "Roman titles": ("**I. a**\n\nb\n\nc\n\n**II. d**\n\ne", ["**I. a**\n\nb\n\nc", "**II. d**\n\ne"]),
    "titles with nothing under them": (
        "### 1. a\n\nb\n\n### 2. c\n\nd\n\n## e is 5\n\n## f",
        ["a\n\nb", "c\n\nd", "e is 5\n\n## f"],
    ),
    "lettered headings": ("## A. x\n\na\n\nb\n\n## B. y\n\nc", ["x\n\na\n\nb", "y\n\nc"]),
    "bold, with text behind": ("**1. a:** b\n\nc\n\n**2. d:** e", ["**1. a:** b\n\nc", "**2. d:** e"]),
    "a bold number": ("**1.** a\n\nb\n\n**2.** c", ["a\n\nb", "c"]),
    "keycaps": ("### 1️⃣ a\n\nb\n\nc\n\n### 2️⃣ d\n\ne", ["a\n\nb\n\nc", "d\n\ne"]),
    "a title of the same rank ends them": (
        "## 1. a\n\nb\n\n## 2. c\n\nd\n\n## End\n\ne",
        ["a\n\nb", "c\n\nd", "End\n\ne"],
    ),
    "titles that do not count": ("## 2. a\n\nb\n\nc\n\n## 5. d\n\ne", ["2. a\n\nb", "c", "5. d\n\ne"]),
    # lists
    "all ones": ("1. a\n\nb\n\n1. c\n\nd", ["a\n\nb", "c", "d"]),
    "all ones, three": ("1. a\n\nx\n\n1. b\n\ny\n\n1. c", ["a\n\nx", "b\n\ny", "c"]),
    "empty items": ("1.\n\na\n\n2.\n\nb", ["a", "b"]),
    "lists that are announced anew": ("A:\n\n1. a\n\nB:\n\n1. c", ["A:\n\n1. a", "B:\n\n1. c"]),
    "escaped numbers": ("1\\. a\n\nb\n\n2\\. c", ["a\n\nb", "c"]),
    "letters": ("a) x\n\ny\n\nb) z", ["x\n\ny", "z"]),
    "letters in parentheses": ("(a) x\n\ny\n\n(b) z", ["x\n\ny", "z"]),
    "small Romans": ("(i) x\n\ny\n\n(ii) z", ["x\n\ny", "z"]),
    "numbers without a space": ("1.甲\n2.乙", ["甲", "乙"]),
    "Han numbers": ("一、甲\n二、乙", ["甲", "乙"]),
    "choices are no steps": ("A. 5\nB. 6\n\nSo it is B.", ["A. 5\nB. 6", "So it is B."]),
    "a title over the list": ("### How\n\n1. a\n\n2. b\n\n### End\n\nc", ["a", "b", "End\n\nc"]),
    "a title over bullets": ("### How\n\n- a\n- b", ["a", "b"]),
    "bold lines between bullets": ("**1) a:**\n* b\n* c\n**2) d:**\n* e", ["**1) a:**\n* b\n* c", "**2) d:**\n* e"]),
    "bold lines between bullets, uncounted": ("**a:**\n* b\n**c:**\n* d", ["**a:**\n* b", "**c:**\n* d"]),
    "a title with a stop in it": (
        "**Mr. A's cost:**\n\n* a\n\n**Ms. B's cost:**\n\n* b",
        ["**Mr. A's cost:**\n\n* a", "**Ms. B's cost:**\n\n* b"],
    ),
    "items that are titles": ("1. **x**\n\na\n\n2. **y**\n\nb\n\nc", ["**x**\n\na", "**y**\n\nb", "c"]),
    "a title within the list": ("1. a\n\n### More\n\n2. b", ["a", "b"]),
    "enumerate": ("\\begin{enumerate}\n\\item a\n\\item b\n\\end{enumerate}", ["a", "b"]),
    "itemize": ("\\begin{itemize}\n\\item[$*$] a\n\n\\item b\n\\end{itemize}", ["a", "b"]),
    "enumerate within": (
        "x\n\n\\begin{enumerate}\n\\item a\n\\begin{itemize}\n\\item c\n\\end{itemize}\n\\item b\n\\end{enumerate}",
        ["x", "a\n\\begin{itemize}\n\\item c\n\\end{itemize}", "b"],
    ),
    "description": ("\\begin{description}\n\\item[Add] a\n\\item[(b)] c\n\\end{description}", ["[Add] a", "c"]),
    "enumerate left open": ("\\begin{enumerate}\n\\item a\n\\item b", ["a", "b"]),
    # what belongs together
    "a table": (
        "The costs are:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nc",
        ["The costs are:\n\n| a | b |\n|---|---|\n| 1 | 2 |", "c"],
    ),
    "an equation": ("We get:\n\nx = 3 + 4 = 7\n\nSo it is 7.", ["We get:\n\nx = 3 + 4 = 7", "So it is 7."]),
    "a formula that lost its backslashes": ("We get:\n\n[\nx = 3\n]\n\nb", ["We get:\n\n[\nx = 3\n]", "b"]),
    "a quote": ("It says:\n\n> a = 3\n\nb", ["It says:\n\n> a = 3", "b"]),
    "a list under a line that is no sentence": ("Given data\n\n- a\n- b\n\nc", ["Given data\n\n- a\n- b", "c"]),
    "a sentence in bold is a step": ("a\n\n**It is 7.**\n\nb", ["a", "**It is 7.**", "b"]),
    # lines
    "equations among paragraphs": (
        "We add.\n\n2 + 2 = 4\n4 + 1 = 5\n\nDone.",
        ["We add.", "2 + 2 = 4", "4 + 1 = 5", "Done."],
    ),
    "equations that go on": ("x + 3\n= 4 + 3\n= 7\ny = 2", ["x + 3\n= 4 + 3\n= 7", "y = 2"]),
    "equations in small letters": ("2x + 3 = 7\n2x = 4\nx = 2", ["2x + 3 = 7", "2x = 4", "x = 2"]),
    "a comma": ("Since x = 3,\nwe have y = 4.\nSo z = 5.", ["Since x = 3,\nwe have y = 4.", "So z = 5."]),
    "a comma at a paragraph's end": (
        "Since x = 3,\n\nwe have y = 4.\n\n因为 x=3，\n\n所以 y=4。\n\nSo z = 5.",
        ["Since x = 3,\n\nwe have y = 4.", "因为 x=3，\n\n所以 y=4。", "So z = 5."],
    ),
    "a comma in Chinese": ("由 x=3，\n得 y=4。\n所以 z=5。", ["由 x=3，\n得 y=4。", "所以 z=5。"]),
    "a semicolon": ("x = 3;\ny = 4.\nSo z = 5.", ["x = 3;\ny = 4.", "So z = 5."]),
    "a colon": (
        "The first is:\n2 + 2 = 4\nThe second is:\n3 + 3 = 6",
        ["The first is:\n2 + 2 = 4", "The second is:\n3 + 3 = 6"],
    ),
    "prose with an equation is wrapped": (
        "So we know that x = 3 and\nthat y = 4 here.\n\nb",
        ["So we know that x = 3 and\nthat y = 4 here.", "b"],
    ),
    "money of GSM8K": (
        "She has 2*3=$<<2*3=6>>6\nHe has 3*3=$<<3*3=9>>9",
        ["She has 2*3=$<<2*3=6>>6", "He has 3*3=$<<3*3=9>>9"],
    ),
    "br": ("2 + 2 = 4<br>\n4 + 1 = 5<br>\nSo it is 5.", ["2 + 2 = 4", "4 + 1 = 5", "So it is 5."]),
    "br within lines": ("2 + 2 = 4<br/>4 + 1 = 5<BR />It is 5", ["2 + 2 = 4", "4 + 1 = 5", "It is 5"]),
    "two br": ("a<br><br>b", ["a", "b"]),
    "br among paragraphs": ("a\n\nb is 2<br>\nc is 3\n\nd", ["a", "b is 2", "c is 3", "d"]),
    "a line break of TeX": ("2 + 2 = 4 \\\\\n4 + 1 = 5 \\\\\nSo it is 5.", ["2 + 2 = 4", "4 + 1 = 5", "So it is 5."]),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CASES)
def test_steps_follow_what_structures_the_text(name: str, end: str) -> None:
    """Each case is a text and the steps that a person sees in it, with the line ends of either system."""
    text, expected = CASES[name]
    text = text.replace("\n", end)
    assert [text[a:b].replace(end, "\n") for a, b in split(text).spans] == expected
