"""Models × subsets in one table: the order of its rows, what a cell says, LaTeX."""

from stepcheck.report.run_table import write
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


def test_rows_of_one_model_are_told_apart() -> None:
    """By the names of their runs, and by number where these are alike; a lone row needs none."""
    runs = [
        Standing("A", (Figure(1.0),), run="a"),
        Standing("A", (Figure(2.0),), run="b"),
        Standing("B", (None,), run="c"),
    ]
    assert [row[0] for row in lay_out(("x",), runs).rows] == ["A, run a", "A, run b", "B"]
    twice = [Standing("A", (None,), run="a"), Standing("A", (None,), run="a")]
    assert [row[0] for row in lay_out(("x",), twice).rows] == ["A, run a", "A, run a #2"]
    published = Standing("A", (Figure(9.0),), published=True)
    assert [row[0] for row in lay_out(("x",), [*runs, published]).rows] == [
        "A, run a", "A, run b", "A (published)", "B"
    ]  # fmt: skip


def test_csv_leaves_what_is_missing_empty() -> None:
    """A dash is for people; between numbers it is a text."""
    grid = lay_out(("x", "y"), [Standing("A", (None, Figure(1.0)))])
    assert write(grid, "csv", "t", ()) == "model,x,y\nA,,1.0\n"
    assert "–" in write(grid, "human", "t", ())


def test_a_figure_that_hangs_on_what_could_not_be_told_is_a_range() -> None:
    """From where it is wrong to where it is right; the same to a decimal is one figure."""
    open_ended = Standing("A", (Figure(50.0, high=75.0), Figure(50.0, high=50.01)))
    assert lay_out(("x", "y"), [open_ended]).rows == (("A", "50.0–75.0", "50.0"),)
