"""The names that mathematics has for functions and letters, in TeX and in plain writing."""

FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "tg": "tan", "cot": "cot", "ctg": "cot", "sec": "sec", "csc": "csc",
    "arcsin": "arcsin", "arccos": "arccos", "arctan": "arctan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "ln": "ln", "log": "log", "lg": "lg", "exp": "exp", "max": "max",
    "min": "min", "gcd": "gcd", "lcm": "lcm", "abs": "abs", "floor": "floor", "ceil": "ceil", "sqrt": "sqrt",
    "cbrt": "cbrt", "arccot": "arccot", "sgn": "sgn", "coth": "coth", "det": "det", "arctg": "arctan", "root": "sqrt",
}  # fmt: skip
ROOTS = frozenset({"sqrt", "cbrt"})
SEVERAL = frozenset({"max", "min", "gcd", "lcm"})
INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot"}
ANGLED = frozenset({"sin", "cos", "tan", "tg", "cot", "ctg", "sec", "csc"})
"""Functions of an angle."""
GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "varepsilon",
        "theta",
        "vartheta",
        "lambda",
        "rho",
        "sigma",
        "tau",
        "phi",
        "varphi",
        "omega",
        "eta",
        "zeta",
        "xi",
        "psi",
        "kappa",
        "nu",
        "mu",
        "chi",
        "iota",
        "Delta",
        "Gamma",
        "Omega",
        "Sigma",
        "Phi",
        "Theta",
        "Lambda",
        "Pi",
        "Psi",
        "Xi",
        "ell",
        "hbar",
    ]
)
DECORATIONS = frozenset(
    {"vec", "hat", "bar", "overline", "tilde", "overrightarrow", "widehat", "dot", "ddot", "mathring"}
)
FUNCTION_LETTERS = frozenset("fghFGH")
INFINITE = frozenset({"infinity", "inf", "infty", "Infinity"})
NO_PRODUCTS = frozenset(
    [
        "and",
        "or",
        "is",
        "in",
        "of",
        "to",
        "the",
        "an",
        "at",
        "if",
        "on",
        "by",
        "for",
        "as",
        "it",
        "not",
        "so",
        "was",
        "are",
        "may",
        "all",
        "any",
        "one",
        "two",
        "six",
        "ten",
        "yes",
        "no",
        "nor",
        "but",
        "per",
        "has",
        "had",
        "his",
        "her",
        "you",
        "we",
        "he",
        "be",
        "do",
        "go",
        "us",
        "und",
        "oder",
        "et",
        "ou",
        "is",
        "der",
        "die",
        "das",
        "el",
        "la",
        "los",
        "las",
        "es",
        "un",
    ]
)
"""Words that are too short for words and too common for products."""
RUNS = tuple(sorted((*FUNCTIONS, "pi"), key=len, reverse=True))
