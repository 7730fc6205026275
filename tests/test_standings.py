"""Models × subsets in one table: the order of its rows, what a cell says, LaTeX."""

from stepcheck.report.standings import Figure, Standing, lay_out, to_latex

OURS = Standing("A_1-q4", (Figure(80.04, (78.0, 82.0)), None))
THEIRS = Standing("A_1", (Figure(82.4), Figure(77.6)), published=True)
OTHER = Standing("B", (Figure(90.0, partial=True), Figure(50.0)))
ALONE = Standing("C", (Figure(99.0), Figure(99.0)), published=True)


def same(ours: str, published: str) -> bool:
    return ours.startswith(published)


def test_a_published_row_stands_under_its_models_run() -> None:
    """Runs keep their order, what is published of the same model follows, the rest stands below."""
    grid = lay_out(("gsm8k", "math"), (ALONE, OURS, THEIRS, OTHER), same)
    assert grid.columns == ("model", "gsm8k", "math")
    assert grid.rows == (
        ("A_1-q4", "80.0 [78.0, 82.0]", "–"),
        ("A_1 (published)", "82.4", "77.6"),
        ("B", "90.0*", "50.0"),
        ("C (published)", "99.0", "99.0"),
    )


def test_two_runs_of_a_model_share_its_published_row() -> None:
    """It follows the last of them, once."""
    second = Standing("A_1-q8", (None, None))
    grid = lay_out(("gsm8k", "math"), (OURS, second, THEIRS), same)
    assert [row[0] for row in grid.rows] == ["A_1-q4", "A_1-q8", "A_1 (published)"]


def test_the_best_is_a_whole_measured_figure() -> None:
    """Neither a partial 90.0 nor a published 99.0 is marked: 80.0 and 50.0 are."""
    grid = lay_out(("gsm8k", "math"), (OURS, OTHER, ALONE))
    assert grid.best == ((False, True, False), (False, False, True), (False, False, False))


def test_latex_escapes_names_and_sets_the_best_bold() -> None:
    """An underscore, a percent sign and a backslash in a name are text."""
    tricky = Standing("a_b%\\c", (Figure(1.0), None))
    assert to_latex(lay_out(("x&y", "z"), (tricky,))) == (
        "\\begin{tabular}{lrr}\n\\toprule\nmodel & x\\&y & z \\\\\n\\midrule\n"
        "a\\_b\\%\\textbackslash{}c & \\textbf{1.0} & -- \\\\\n\\bottomrule\n\\end{tabular}\n"
    )
