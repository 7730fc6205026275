"""Many engines on Ray: the same results as one engine's, every row once, whatever ends in the midst.

Ray itself starts once for this module (some 10 s), and every engine is a real one.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet

from stepcheck import config
from stepcheck.cli.main import main
from stepcheck.cli.raying import with_address
from stepcheck.document import Document, Step, Unread
from stepcheck.door.reach import reach
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import InputError, RunChangedError, RunError, UnreachableError, UsageError
from stepcheck.judge import Identity, Judged, Unscored, by_rewards
from stepcheck.ray import Judge
from stepcheck.ray.cluster import Share, _engines
from stepcheck.ray.folder import Folder, bind, opened
from stepcheck.ray.parts import Part, cut_files, find_files
from stepcheck.ray.run import Job, Run, begin
from stepcheck.ray.spread import Crew
from stepcheck.ray.worker import Done, Failed, Worker
from stepcheck.report.records import record
from stepcheck.together import judge_together

ME = Identity(name="fake", sha256="0" * 64, threshold=0.5)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of this machine, for two engines and Ray."""
    before = dict(os.environ)
    config.keep_ray_to_itself(anew="ray" not in sys.modules)
    import ray

    ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    from ray._common.usage.usage_lib import usage_stats_enabled

    assert not usage_stats_enabled()
    yield ray
    ray.shutdown()
    os.environ.clear()
    os.environ.update(before)


def row(number: int) -> dict[str, object]:
    wrong = number % 3 == 0
    return {"id": f"r{number}", "problem": f"What is {number} + 5?", "steps": [f"{number} + 5 = {number + 5 + wrong}"]}


def write_rows(path: Path, count: int) -> Path:
    path.write_text("".join(f"{json.dumps(row(n))}\n" for n in range(count)))
    return path


def results(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    """Whether records differ in time only, and in rewards by no more than what else is read at the time moves them."""
    plain = [[_without_figures(one) for one in each] for each in (found, expected)]
    rewards = [[step["reward"] for one in each for step in one.get("steps", ())] for each in (found, expected)]
    return plain[0] == plain[1] and rewards[0] == pytest.approx(rewards[1], abs=0.02)


def _without_figures(found: dict[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in found.items() if key not in {"seconds", "aggregates"}}
    return found | ({"steps": [step | {"reward": 0} for step in found["steps"]]} if "steps" in found else {})


def test_a_folder_has_what_one_engine_prints(
    ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--ray` writes the rows of `score --format jsonl` in parts: bad rows and candidates in place, names by part.

    The same command again starts nothing; with one file gone it does that one; with another threshold it refuses.
    """
    assert ray.is_initialized()
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps(row(n)) for n in range(7)]
    lines[3] = "{bad"
    lines[5] = json.dumps({"problem": "What is 2 + 2?", "responses": ["2 + 2 = 4", "", "2 + 2 = 5"]})
    Path("rows.jsonl").write_text("\n".join(lines))
    command = ["score", "*.jsonl", "--ray", "-o", "out", "--ray-rows", "3", "--ray-engines", "1"]
    assert main(command) == 1  # two rows cannot be judged
    said = capsys.readouterr().err
    assert "9 results in 3 files" in said
    assert "2 of 9 solutions could not be scored; the first: rows.jsonl:4" in said
    names = [f"rows-0000{number}.jsonl" for number in range(3)]
    assert sorted(path.name for path in Path("out").glob("[!.]*")) == names
    assert main(["score", "rows.jsonl", "--format", "jsonl"]) == 1
    alone = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert same(results(Path("out")), alone)

    written = {name: Path("out", name).stat().st_mtime_ns for name in names}
    Path("out", names[1]).unlink()
    assert main(command) == 1
    now = {name: Path("out", name).stat().st_mtime_ns for name in names}
    assert [name for name in names if now[name] != written[name]] == [names[1]]
    assert len(results(Path("out"))) == 9
    assert "3 files, 2 of them were there" in capsys.readouterr().err

    monkeypatch.setattr("stepcheck.ray.run.connected", None)  # nothing is left that needs a cluster
    assert main(command) == 1
    assert {name: Path("out", name).stat().st_mtime_ns for name in names} == now
    capsys.readouterr()
    assert main([*command, "--threshold", "0.9"]) == 1
    assert "out: was begun otherwise: threshold was 0.332, is 0.9" in capsys.readouterr().err


def test_a_lost_actor_costs_nothing(ray: Any, tmp_path: Path) -> None:
    """Both actors are killed in the midst: every row is there once, and no file is half written."""
    data = write_rows(tmp_path / "rows.jsonl", 48)
    job = Job(files=[str(data)], output=tmp_path / "out", engines=2, rows=6, judging={"evidence": "off"})
    killed: list[int] = []
    said: list[str] = []
    with begin(job) as run:
        for number, _ in enumerate(run.work(said.append)):
            if number == 1:
                below = [one for one in psutil.Process().children(recursive=True) if one.is_running()]
                actors = [one for one in below if one.cmdline()[:1] and one.cmdline()[0].startswith("ray::Worker")]
                for actor in actors:
                    actor.kill()
                killed += [actor.pid for actor in actors]
    assert killed
    assert any("an actor was lost; its part is judged again" in words for words in said)
    found = results(tmp_path / "out")
    assert [one["id"] for one in found] == [f"r{n}" for n in range(48)]
    assert not list((tmp_path / "out").glob(".*.part"))
    assert ray.is_initialized()


def test_a_part_that_ends_every_actor_is_named(ray: Any) -> None:
    """After three actors it is given up, and the others are done all the same."""

    class Fragile:
        def started(self) -> None:
            return None

        def judge(self, part: Part) -> Done:
            if part.source == "bad":
                os._exit(1)
            return Done(1, 2, 0.0)

    said: list[str] = []
    made = ray.remote(Fragile).options(num_cpus=1, max_restarts=0)
    crew = Crew(made.remote, 1, said.append)
    parts = [Part(name, name, 1, name) for name in ("a", "bad", "b")]
    assert [part.source for part, _ in crew.work(parts)] == ["a", "b"]
    assert [part.source for part in crew.lost] == ["bad"]
    assert said == ["an actor was lost; its part is judged again: bad"] * 2


def test_parquet_goes_in_and_out(
    ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of Parquet become rows of Parquet with one schema, which are those of JSONL; the folder is a table."""
    monkeypatch.chdir(tmp_path)
    rows = [row(n) for n in range(5)] + [{"id": "bad", "problem": None, "steps": ["1 = 1"]}]
    parquet.write_table(pa.Table.from_pylist(rows), "rows.parquet", row_group_size=2)
    command = ["score", "rows.parquet", "--ray", "--ray-rows", "4", "--ray-engines", "1"]
    assert main([*command, "-o", "tables", "--format", "parquet"]) == 1
    assert main([*command, "-o", "lines"]) == 1
    capsys.readouterr()
    with begin(_job("tables", "parquet")) as run:
        found = list(run.folder.records())
    assert same(found, results(Path("lines")))
    assert [one["id"] for one in found] == ["r0", "r1", "r2", "r3", "r4", "bad"]
    assert found[5]["error"]["kind"] == "input"
    assert parquet.read_table("tables").num_rows == 6  # one schema, and the note beside them is no table
    assert ray.is_initialized()


def _job(folder: str, kind: Any) -> Job:
    judging: Any = {"evidence": "show", "threshold": None}
    return Job(files=["rows.parquet"], output=Path(folder), kind=kind, rows=4, judging=judging)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray Data's own settings warn of each other
def test_ones_own_pipeline(ray: Any) -> None:
    """`map_batches(Judge)`: each row comes back with its columns and what is said of it, once for each response."""
    rows = [row(n) | {"mine": n} for n in range(4)]
    rows[2] = {"id": "two", "problem": "What is 1 + 1?", "responses": ["1 + 1 = 2", "1 + 1 = 3"], "mine": 2}
    rows[3] = {"id": "none", "problem": None, "steps": ["1 = 1"], "mine": 3}
    table = pa.Table.from_pylist([{"responses": None, "steps": None} | one for one in rows])
    judged = ray.data.from_arrow(table).map_batches(
        Judge,
        fn_constructor_kwargs={"model": "nano", "evidence": "off"},
        batch_size=8,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=1),
    )
    found = sorted(judged.take_all(), key=lambda one: (one["mine"], one["judged"]["candidate"] or 0))
    assert [(one["mine"], one["id"], one["judged"]["candidate"]) for one in found] == [
        (0, "r0", None), (1, "r1", None), (2, "two", 0), (2, "two", 1), (3, "none", None),
    ]  # fmt: skip
    assert [one["judged"]["first_error"] for one in found] == [0, None, None, 0, None]
    assert found[4]["judged"]["error"]["kind"] == "input"
    assert found[0]["judged"]["aggregates"]["min"] < 0.5 < found[1]["judged"]["aggregates"]["min"]


def test_a_batch_of_any_format(ray: Any) -> None:
    """A dict of arrays, as Ray Data hands out, is judged as a table is; a column of the name of ours is refused."""
    import numpy as np

    assert ray
    judge = Judge("nano", evidence="off", column="prm")
    try:
        batch = {"problem": np.array(["What is 1 + 1?"] * 2), "solution": np.array(["1 + 1 = 2", "1 + 1 = 3"])}
        assert [one["first_error"] for one in judge(batch)["prm"].to_pylist()] == [None, 0]
        assert judge(pa.table({"problem": pa.array([], pa.string())})).num_rows == 0
        with pytest.raises(Exception, match="a column 'prm' already"):
            judge(pa.table({"prm": ["x"]}))
    finally:
        judge.close()


class Fake:
    """Judges by the first word of a step, and notes the order in which it is asked."""

    identity = ME

    def __init__(self) -> None:
        self.asked: list[str] = []

    def judge(self, items: Any) -> Iterator[Judged | Unscored]:
        for item in items:
            if isinstance(item, Unread):
                yield Unscored.of(item, item.error)
                continue
            self.asked.append(item.id or "")
            yield by_rewards(item, [0.9] * len(item.steps), ME)


def test_solutions_of_one_problem_stand_together() -> None:
    """The judge is asked problem after problem, the results come in the documents' order, window by window."""
    items: list[Document | Unread] = [
        Document(problem, (Step("1"),), id=f"{problem}{n}") for n, problem in enumerate("abacbaab")
    ]
    items.insert(3, Unread("x", InputError("bad"), id="bad"))
    fake: Any = Fake()
    found = list(judge_together(fake, iter(items), window=6))
    assert fake.asked == ["a0", "a2", "b1", "b4", "c3", "a5", "a6", "b7"]
    named: list[Any] = [getattr(one, "document", one) for one in found]
    assert [one.id for one in named] == [item.id for item in items]


def test_what_an_actor_cannot_do_comes_back_with_its_node(tmp_path: Path) -> None:
    """No model, another version or other weights: a value that names the node, and no traceback."""
    for worker, words in (
        (Worker("no-such-model", {}, {}, ""), "no-such-model"),
        (Worker("nano", {}, {}, "", "0.0.1"), "the command comes from 0.0.1"),
        (Worker("nano", {"evidence": "off"}, {}, "f" * 64), "nano: has other weights"),
    ):
        failed = worker.started()
        assert isinstance(failed, Failed)
        assert str(failed.error).startswith("node ")
        assert words in str(failed.error)
        again = worker.judge(Part("a", "a", 1, str(tmp_path / "a.jsonl")))
        assert again == failed


def test_a_model_means_the_same_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card's path and a folder's are made absolute; a name stays one, though a folder is called so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nano").mkdir()
    (tmp_path / "mine").mkdir()
    named: list[tuple[str, object]] = []
    for model, name in (("nano", "nano"), ("mine", "x"), ("mine/a.toml", "x"), ("a.toml", "x"), ("x:q8_0", "x-q8_0")):
        job = Job(files=[], output=tmp_path, model=model, judging={"models_dir": Path("models")})
        folder: Any = None
        found, how = Run(job, Identity(name=name), folder, [])._elsewhere()
        named.append((found, how["models_dir"]))
    expected = ["nano", str(tmp_path / "mine"), str(tmp_path / "mine" / "a.toml"), str(tmp_path / "a.toml"), "x:q8_0"]
    assert named == [(model, tmp_path / "models") for model in expected]


def test_a_gpu_that_is_not_used_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An actor that was given an accelerator does not judge on the CPU without a word."""
    monkeypatch.setattr("stepcheck.ray.opening.given", lambda resource: float(resource == "GPU"))
    failed = Worker("nano", {"evidence": "off", "options": EngineOptions(n_gpu_layers=0)}, {}, "").started()
    assert isinstance(failed, Failed)
    assert "was given a GPU, and llama.cpp runs on the CPU" in str(failed.error)


def test_a_file_that_a_node_does_not_see(tmp_path: Path) -> None:
    """A file that is not there, or is another, and a folder that is not there, are errors of the part and not rows."""
    data = write_rows(tmp_path / "rows.jsonl", 2)
    (given,) = cut_files([str(data)], 5, None)
    worker = Worker.__new__(Worker)
    fake: Any = Fake()
    worker._judge, worker._failed, worker._reading = fake, None, {}

    def judged(path: Path, size: int, target: Path) -> str:
        said = worker.judge(Part("rows.jsonl", str(path), size, str(target), given.ranges[0]))
        return str(said.error) if isinstance(said, Failed) else "done"

    assert "every node must see the same files" in judged(tmp_path / "gone.jsonl", 1, tmp_path / "o.jsonl")
    assert "it had 7 when it was cut" in judged(data, 7, tmp_path / "o.jsonl")
    assert "every node must be able to write there" in judged(data, given.size, tmp_path / "gone" / "o.jsonl")
    assert judged(data, given.size, tmp_path / "o.jsonl") == "done"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.jsonl", "rows.jsonl"]


def plan(folder: Path, data: Path, size: int = 2) -> tuple[Folder, list[Part]]:
    with opened(folder, "jsonl", bind(ME, {})) as found:
        return found, found.plan(cut_files([str(data)], size, None))


def test_a_folder_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    """Changed data, foreign files and a file that lost rows are errors that name them; part files are swept."""
    data, folder = write_rows(tmp_path / "rows.jsonl", 3), tmp_path / "out"
    found, parts = plan(folder, data)
    assert [Path(part.target).name for part in parts] == ["rows-00000.jsonl", "rows-00001.jsonl"]
    (folder / ".rows-00000.jsonl.elsewhere-1.part").write_text("{")
    Path(parts[0].target).write_text('{"line": 1}\n')
    found, parts = plan(folder, data)
    assert len(parts) == 1
    assert not list(folder.glob(".rows*"))
    with pytest.raises(RunError, match="holds results of 1 rows, its part has 2"):
        list(found.records())
    write_rows(data, 4)
    with pytest.raises(RunChangedError, match="has changed since"):
        plan(folder, data)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear")
    with pytest.raises(Exception, match=r"holds 'letter.txt' already"):
        plan(tmp_path / "mine", data)


def test_files_of_one_name_have_results_of_their_own(tmp_path: Path) -> None:
    """`a/rows.jsonl` and `b/rows.jsonl` do not write over each other, and keep their names when more come."""
    for name in "ab":
        (tmp_path / name).mkdir()
        write_rows(tmp_path / name / "rows.jsonl", 1)
    files = find_files([str(tmp_path / "*" / "*.jsonl"), str(tmp_path / "a" / "rows.jsonl")])
    assert len(files) == 2
    with opened(tmp_path / "out", "jsonl", bind(ME, {})) as folder:
        folder.plan(cut_files(files[1:], 5, None))
        folder.plan(cut_files(files, 5, None))
    assert [Path(part.target).name for part in folder.parts] == [
        "rows-00000.jsonl",
        "rows-2-00000.jsonl",
        "rows-00000.jsonl",
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--ray", "-o", "out", "-"], "standard input"),
        (["--ray", "rows.jsonl"], "give their folder with --output"),
        (["--ray", "-o", "out", "*.none"], "*.none: no file is called so"),
        (["--ray", "-o", "out", "."], "is a folder; name the files in it"),
        (["--ray=http://x", "-o", "out", "rows.jsonl"], "expected HOST:PORT"),
        (["--ray", "--offline", "h:1", "-o", "out"], "h:1: no such file"),
        (["--ray", "h:1", "--offline", "-o", "out", "rows.jsonl"], "forbids connections"),
        (["--ray", "-o", "out", "--format", "html", "rows.jsonl"], "--ray writes jsonl or parquet"),
        (["--ray", "-o", "out", "--critic", "http://127.0.0.1:1", "rows.jsonl"], "--ray opens a model in every engine"),
        (["--format", "parquet", "rows.jsonl"], "is written with --ray"),
    ],
)
def test_what_does_not_go_together(
    more: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is an error that says what to do, before anything starts."""
    monkeypatch.chdir(tmp_path)
    write_rows(Path("rows.jsonl"), 1)
    assert main(["score", *more]) in {1, 2}
    assert words in capsys.readouterr().err


def test_nobody_at_an_address_is_said_at_once() -> None:
    """Ray itself would ask for minutes; a listening port is enough to let it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        reach(address)
    with pytest.raises(UnreachableError, match="does a cluster run there"):
        reach(address)
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        reach("127.0.0.1:99999")


def test_without_ray_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence with the command, no traceback."""
    monkeypatch.setattr("stepcheck.ray.cluster.find_spec", lambda _: None)
    assert main(["score", "--ray", "-o", str(tmp_path / "out"), str(write_rows(tmp_path / "r.jsonl", 1))]) == 2
    assert "pip install 'stepcheck[ray]'" in capsys.readouterr().err


def test_an_address_may_be_left_out() -> None:
    """The word behind a bare `--ray` stays a file or an option; an address is taken."""
    assert with_address(["score", "--ray", "a.jsonl"]) == ["score", "--ray", "local", "a.jsonl"]
    assert with_address(["score", "a", "--ray"]) == ["score", "a", "--ray", "local"]
    for address in ("10.0.0.1:6379", "ray://head:10001", "auto", "[::1]:6379"):
        assert with_address(["--ray", address, "a"]) == ["--ray", address, "a"]
    assert with_address(["--", "--ray"]) == ["--", "--ray"]


def test_a_cluster_of_ours_reports_nothing_and_wants_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """No usage report, whatever was set; a token that nobody else has, unless a way was chosen."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    config.keep_ray_to_itself(anew=False)
    assert (os.environ["RAY_USAGE_STATS_ENABLED"], os.environ.get("RAY_AUTH_TOKEN")) == ("0", None)
    tokens = set()
    for _ in range(2):
        config.keep_ray_to_itself(anew=True)
        tokens.add(os.environ["RAY_AUTH_TOKEN"])
        assert os.environ["RAY_AUTH_MODE"] == "token"
        monkeypatch.delenv("RAY_AUTH_MODE")
    assert {len(token) for token in tokens} == {64}
    assert len(tokens) == 2
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    config.keep_ray_to_itself(anew=True)
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
    monkeypatch.delenv("RAY_AUTH_TOKEN")


def test_how_many_engines_fit() -> None:
    """CPUs, memory and accelerators each bound the number; half an accelerator carries two."""
    assert Share(cpus=2).fits(7, 0, 0) == 3
    assert Share(cpus=1, memory=5).fits(8, 0, 12) == 2
    assert Share(cpus=1, gpus=0.5).fits(8, 1, 0) == 2
    assert Share(cpus=1, gpus=1).fits(8, 0, 0) == 0


def test_a_cluster_keeps_a_cpu_for_ray() -> None:
    """Nodes are filled one by one, those that are gone not at all; where all CPUs would be taken, one engine less."""

    def node(cpus: float, *, alive: bool = True, **more: float) -> dict[str, Any]:
        return {"Alive": alive, "Resources": {"CPU": cpus, "memory": 100.0, **more}}

    two = Share(cpus=2)
    assert _engines([node(4), node(5), node(8, alive=False)], two, None) == 4
    assert _engines([node(4), node(4)], two, None) == 3
    assert _engines([node(2)], two, None) == 1
    assert _engines([node(2)], two, 7) == 7
    assert _engines([node(4), node(4, GPU=1.0)], Share(gpus=0.5), None) == 2
    with pytest.raises(UsageError, match=r"room for an engine \(1 CPU, 1 GPU\)"):
        _engines([node(4)], Share(gpus=1), None)


def test_a_record_has_a_column_for_every_key() -> None:
    """Nothing that JSON says is left out of a table, with doubts, evidence and errors."""
    from dataclasses import replace

    from stepcheck.ray import tables
    from stepcheck.witness import with_evidence

    document = Document("P", (Step("1 + 1 = 3"), Step("b")), "f", 3, "i", 1, notes=("n\ud800",))
    judged = replace(by_rewards(document, [0.9, 0.8], ME), uncertainty=(0.1, 0.2))
    all_of_it = [record(with_evidence(judged, decides=True)), record(Unscored("f", InputError("no"), 4, "j"))]
    back = [tables.as_record(found) for found in tables.table(all_of_it).to_pylist()]
    spelt = [json.loads(json.dumps(one).replace("\\ud800", "\\\\ud800")) for one in all_of_it]
    assert back == spelt
    assert back[0]["first_error_by"] == "evidence"
    with pytest.raises(Exception, match="no column takes: more"):
        tables.table([all_of_it[1] | {"more": 1}])
