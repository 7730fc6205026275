"""From files to a folder of results, by as many engines as fit: what `stepcheck score --ray` does.

Owns the order of it: who judges, what is to be done, what is there already, and only then a cluster. Refuses to start
one where nothing is left to do.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from stepcheck.checker import Checker
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import EngineError
from stepcheck.hub.disk.store import find
from stepcheck.judge import Identity
from stepcheck.machine.machine import memory_of
from stepcheck.ray.cluster import LOCAL, Share, check_installed, connected
from stepcheck.ray.folder import Folder, Kind, bind, opened
from stepcheck.ray.opening import Judging, Reading
from stepcheck.ray.parts import ROWS, Part, cut_files, find_files
from stepcheck.ray.spread import Crew
from stepcheck.ray.worker import Done, Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be judged, by what, and where."""

    files: Sequence[str]
    output: Path
    kind: Kind = "jsonl"
    model: str = "nano"
    judging: Judging = field(default_factory=Judging)
    reading: Reading = field(default_factory=Reading)
    form: Any = None
    rows: int = ROWS
    address: str = LOCAL
    engines: int | None = None
    gpus: float = 0.0


@dataclass(slots=True)
class Run:
    """A job that is under way: its folder, who judges, and the parts that are left."""

    job: Job
    identity: Identity
    folder: Folder
    parts: list[Part]
    lost: list[Part] = field(default_factory=list)

    def work(self, say: Callable[[str], None]) -> Iterator[tuple[Part, Done]]:
        """Judge what is left, and yield each part as it is done; nothing is started where nothing is left.

        Raises:
            ServerError: no cluster answers.
            StepcheckError: an engine cannot be opened where it is to run, or its results cannot be written.
        """
        if not self.parts:
            return
        share = self._share()
        with connected(self.job.address, share, self.job.engines) as engines:
            import ray

            made = ray.remote(Worker).options(num_cpus=share.cpus, num_gpus=share.gpus, max_restarts=0)
            model, judging = self._elsewhere()
            crew = Crew(lambda: made.remote(model, judging, self.job.reading, self.identity.sha256), engines, say)
            try:
                yield from crew.work(self.parts)
            except ray.exceptions.RayTaskError:  # a defect of ours: with its traceback
                raise
            except ray.exceptions.RayError as error:
                words = str(error).strip().splitlines()[0][:300]
                raise EngineError(f"the Ray cluster broke off: {words}; the same command goes on") from error
            self.lost = crew.lost

    def check_whole(self) -> None:
        """Raise EngineError: parts could not be done."""
        if self.lost:
            raise EngineError(
                f"{len(self.lost):,} parts have no results, for their actor was lost whenever they were judged; the"
                f" first: {self.lost[0].name}. Is there memory enough? The same command tries them again"
            )

    def _share(self) -> Share:
        """What one engine takes; the memory is that of the model's files where they lie here."""
        options = self._options()
        model = find(self.job.model, self.job.judging.get("models_dir"))
        memory = 0 if self.job.gpus else memory_of(model, options)
        return Share(cpus=options.n_threads or 1, gpus=self.job.gpus, memory=memory)

    def _options(self) -> EngineOptions:
        return self.job.judging.get("options", EngineOptions())

    def _elsewhere(self) -> tuple[str, Judging]:
        """Name model and folders so that they mean the same from any folder, and count an engine's threads."""
        judging, model = self.job.judging.copy(), self.job.model
        options = self._options()
        judging["options"] = replace(options, n_threads=options.n_threads or 1)
        folder = judging.get("models_dir")
        if folder is not None:
            judging["models_dir"] = folder.absolute()
        path = Path(model)
        is_path = "/" in model or os.sep in model or path.suffix == ".toml"
        if is_path or (path.is_dir() and model != self.identity.name):  # a name goes before a folder, as in `find`
            return str(path.absolute()), judging
        return model, judging


@contextmanager
def begin(job: Job) -> Iterator[Run]:
    """Look at files, model and folder, and yield the run that is left; the folder is held until the end.

    Raises:
        UsageError: Ray is not installed; standard input is named; the folder is not one for such results.
        InputError: a file is not there.
        ModelError: there is no such model here.
        RunChangedError: the folder was begun otherwise.
    """
    check_installed()
    files = find_files(job.files)
    identity = _identify(job)
    with opened(job.output, job.kind, bind(identity, _settings(job))) as folder:
        yield Run(job, identity, folder, folder.plan(cut_files(files, job.rows, job.form), job.form))


def _identify(job: Job) -> Identity:
    """Say who will judge: by the files that are here; whether they fit is asked where they are loaded."""
    judging = job.judging
    models_dir, options = judging.get("models_dir"), judging.get("options", EngineOptions())
    checker = Checker(job.model, threshold=judging.get("threshold"), models_dir=models_dir, options=options, force=True)
    with checker:
        return checker.identity


def _settings(job: Job) -> dict[str, Any]:
    """All that could change a result beside who judges, by the names of the options."""
    problem = job.reading.get("problem")
    return {
        "evidence": job.judging.get("evidence", "show"),
        "problem": None if problem is None else sha256(problem.encode("utf-8", "surrogatepass")).hexdigest(),
        "split": job.reading.get("split", "auto"),
        "keep-thinking": job.reading.get("keep_thinking", False),
        "from": job.form,
        "ctx": job.judging.get("options", EngineOptions()).n_ctx,
        "format": job.kind,
        "ray-rows": job.rows,
    }
