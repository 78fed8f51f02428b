"""How fast, and how big, beside other tools and a script by hand: a table of ratios from one run.

    python -m tests.benchmarks.speed [--rounds 5] [--tools FOLDER] [PART ...]

The parts are `unchanged`, `thousand`, `small`, `trained`, `resnet`, `large`, `one_format`,
`ten` and `reads`; without any, all. Runs are interleaved and medians told. DVC, doit and MLflow are
installed into virtual environments of their own under the folder of tools, which is made once.

Seconds drift with the machine: beside each bound on them stands one on the ratio to an interpreter
that does nothing, which took 0.01 s where the bounds were set.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.benchmarks import many

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BASELINES = HERE / "baselines"
OURS = [sys.executable, "-m", "artifactbuild"]
FORMATS = ("savedmodel", "keras", "h5", "weights", "tflite")
MEGABYTE = 1 << 20
SAMPLE = ROOT / "tests" / "samples" / "dense"
MANIFEST = "manifest.yaml"
BARE = 0.01
"""Seconds of CPU of an interpreter that does nothing, where the bounds in seconds were set."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One measured run: seconds of CPU of all processes, seconds by the clock, peak bytes."""

    cpu: float
    wall: float
    memory: int = 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command to measure; `before` brings its folder into the state that it starts from."""

    name: str
    command: Sequence[str]
    folder: Path
    before: Callable[[], None] = lambda: None
    environment: Mapping[str, str] = field(default_factory=dict)
    good: tuple[int, ...] = (0,)


def measured(case: Case, *, memory: bool = False) -> Run:
    """Run a case; what it prints is shown only if it fails."""
    case.before()
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            case.command,
            cwd=case.folder,
            env={**_environment(), **case.environment},
            stdout=printed,
            stderr=printed,
        )
        peak = Peak(process.pid) if memory else None
        code = process.wait()
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if code not in case.good:
            printed.seek(0)
            sys.exit(f"{case.name} ended with {code}:\n{printed.read().decode()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(cpu=cpu, wall=wall, memory=peak.stop() if peak else 0)


def _environment() -> dict[str, str]:
    """Return the environment of users: Python keeps what it compiled."""
    own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "PYTHONPATH": str(ROOT)}


class Peak:
    """Samples the proportional set size of a process and all that come from it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> int:
        """End sampling; return the largest sum, in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        while not self._done.wait(0.05):
            self._peak = max(self._peak, sum(map(_proportional, _tree(self._pid))))


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in _tree(int(child)))]


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


@dataclass(frozen=True)
class Row:
    """One line of the table: what, how much, of which unit, and the most that was asked for."""

    what: str
    amount: float
    unit: str
    bound: float | None = None


def medians(cases: Sequence[Case], rounds: int) -> dict[str, Run]:
    """Measure all cases in turn, as often as asked for."""
    runs: dict[str, list[Run]] = {case.name: [] for case in cases}
    for number in range(rounds):
        for case in cases:
            runs[case.name].append(measured(case))
            told = runs[case.name][-1]
            print(
                f"  {number + 1}/{rounds} {case.name}: {told.cpu:.3f} s CPU, {told.wall:.2f} s",
                file=sys.stderr,
            )
    return {
        name: Run(
            cpu=statistics.median(run.cpu for run in each),
            wall=statistics.median(run.wall for run in each),
        )
        for name, each in runs.items()
    }


def bounded(what: str, seconds: float, bare: float, bound: float) -> list[Row]:
    """Return the row of seconds of CPU, and that of their ratio to a bare interpreter's."""
    return [
        Row(f"{what}, CPU", seconds, "s", bound),
        Row(f"{what} / bare Python, CPU", seconds / bare, "×", bound / BARE),
    ]


def walk_through(folder: Path) -> Path:
    """Make a project of the walk-through model in all formats; return its manifest."""
    own = folder / "my_model"
    shutil.copytree(ROOT / "manifests" / "my_model", own, ignore=shutil.ignore_patterns("*.lock"))
    (folder / "pyproject.toml").touch()
    manifest = own / "model.artifact.yaml"
    head, _, rest = manifest.read_text().partition("formats:\n")
    _, _, tail = rest.partition("input_signature:")
    manifest.write_text(f"{head}formats: [{', '.join(FORMATS)}]\ninput_signature:{tail}")
    return manifest


def plain(folder: Path, *, formats: Sequence[str] = FORMATS) -> Path:
    """Make a project of a small compiled model in some formats; return its manifest."""
    own = folder / "dense"
    own.mkdir()
    shutil.copy(SAMPLE / "model.py", own)
    (folder / "pyproject.toml").touch()
    asked, text = "formats: [savedmodel, keras, h5, weights]", (SAMPLE / MANIFEST).read_text()
    assert asked in text
    manifest = own / "model.artifact.yaml"
    manifest.write_text(text.replace(asked, f"formats: [{', '.join(formats)}]"))
    return manifest


def unchanged(work: Path, tools: Path, rounds: int) -> list[Row]:
    """One manifest, nothing to do: beside what other tools take for the same job."""
    manifest = walk_through(work)
    model = manifest.parent / "model.py"
    outputs = [f"out/{name}" for name in FORMATS]
    (work / "make.py").write_text(
        "from pathlib import Path\n"
        f"for name in {outputs!r}:\n"
        "    Path(name).mkdir(parents=True, exist_ok=True)\n"
        "    Path(name, 'payload').write_text('made')\n"
    )
    (work / "dodo.py").write_text(
        "def task_build():\n"
        f"    return {{'actions': ['{sys.executable} make.py'],\n"
        f"            'file_dep': ['{manifest}', '{model}'],\n"
        f"            'targets': {[f'{name}/payload' for name in outputs]!r}}}\n"
    )
    stage = {
        "cmd": f"{sys.executable} make.py",
        "deps": [str(manifest.relative_to(work)), str(model.relative_to(work))],
        "outs": outputs,
    }
    (work / "dvc.yaml").write_text(json.dumps({"stages": {"build": stage}}))
    dvc, doit = str(tools / "dvc" / "bin" / "dvc"), str(tools / "dvc" / "bin" / "doit")
    for command in (
        ["git", "init", "-q"],
        [dvc, "init", "-q"],
        [dvc, "repro", "-q"],
        [doit],
        ["git", "add", "-A"],
        [*OURS, "build"],
        [*OURS, "check"],
    ):
        prepared(command, work)
    cases = [
        Case(name="python", command=[sys.executable, "-c", "pass"], folder=work),
        Case(name="import click", command=[sys.executable, "-c", "import click"], folder=work),
        Case(name="git status", command=["git", "status", "-s"], folder=work),
        Case(name="doit", command=[doit], folder=work),
        Case(name="dvc status", command=[dvc, "status", "-q"], folder=work),
        Case(name="dvc repro", command=[dvc, "repro", "-q"], folder=work),
        Case(name="build", command=[*OURS, "build"], folder=work),
        Case(name="check", command=[*OURS, "check"], folder=work),
        Case(
            name="import tensorflow",
            command=[sys.executable, "-c", "import tensorflow"],
            folder=work,
        ),
    ]
    found = medians(cases, rounds)
    ours = ("build", "check")
    told = [Row(f"no-op `{n}`, CPU", run.cpu, "s") for n, run in found.items() if n not in ours]
    for verb in ours:
        cpu = found[verb].cpu
        told += [
            *bounded(f"no-op `{verb}`", cpu, found["python"].cpu, 0.07),
            Row(f"no-op `{verb}` / `doit`", cpu / found["doit"].cpu, "×", 0.8),
            Row(f"no-op `{verb}` / `dvc repro`", cpu / found["dvc repro"].cpu, "×", 0.15),
        ]
    return told


def thousand(work: Path, tools: Path, rounds: int) -> list[Row]:
    """A thousand manifests in five formats, unchanged, and with one edited."""
    many.make(work, 1000)
    prepared([*OURS, "check"], work)
    edited = work / "manifests" / "m0500" / "model.artifact.yaml"
    whole = edited.read_text()

    def edit() -> None:
        edited.write_text(whole.replace("version: v1", "version: v1\nseed: 3"))

    def restore() -> None:
        if edited.read_text() != whole:
            edited.write_text(whole)
            time.sleep(0.1)
            prepared([*OURS, "check"], work)

    bare = Case(name="python", command=[sys.executable, "-c", "pass"], folder=work)
    cases = [
        Case(
            name=f"{verb}{', one edited' * change}",
            command=[*OURS, verb],
            folder=work,
            before=edit if change else restore,
            good=(1,) if change else (0,),
        )
        for change in (False, True)
        for verb in ("build", "check")
    ]
    found = medians([bare, *cases], rounds)
    python = found.pop("python").cpu
    return [
        row
        for name, run in found.items()
        for row in bounded(f"1,000 manifests: `{name}`", run.cpu, python, 0.4)
    ]


FACTORIES = {
    "resnet": """
import keras


def make_model():
    pixels = keras.Input((64, 64, 3), name="x")
    inner = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=10)
    model = keras.Model(pixels, inner(pixels))
    images = keras.random.uniform((8, 64, 64, 3), 0, 255, seed=1)
    norms = [l for l in model._flatten_layers() if isinstance(l, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer in norms:
        layer.momentum = 0.99
    return model
""",
    "large": """
import keras


def make_model():
    inputs = keras.Input((4096,), name="x")
    outputs = inputs
    for _ in range(7):
        outputs = keras.layers.Dense(4096, activation="relu")(outputs)
    return keras.Model(inputs, keras.layers.Dense(1900)(outputs))
""",
}
"""Models of about 95 and 500 MB, untrained, as the script by hand and the builds take them."""

OWN_MANIFEST = """\
schema_version: 1
name: {name}
version: v1
factory: model:make_model
formats: [savedmodel, keras, h5, weights, tflite]
validation: {{tolerance: {{atol: 1.0e-3, rtol: 1.0e-3}}}}
reference_inputs:
  - name: rows
    {input}: {{normal: true, shape: {shape}}}
"""
INPUTS = {"resnet": ("x", [2, 64, 64, 3]), "large": ("x", [2, 4096])}


def small(work: Path, tools: Path, rounds: int) -> list[Row]:
    """Five formats of a small model, all loaders, beside the script by hand."""
    return _beside_hand(plain(work), "small", rounds, wall=1.0)


def trained(work: Path, tools: Path, rounds: int) -> list[Row]:
    """The same of the walk-through model, which its factory trains wherever it is called."""
    return _beside_hand(walk_through(work), "walk-through", rounds)


def resnet(work: Path, tools: Path, rounds: int) -> list[Row]:
    """The same of ResNet50."""
    return _beside_hand(_own(work, "resnet"), "ResNet50", rounds, wall=0.85)


def large(work: Path, tools: Path, rounds: int) -> list[Row]:
    """The same of 500 MB of Dense layers, with memory."""
    return _beside_hand(_own(work, "large"), "500 MB", rounds, wall=0.6, memory=0.75)


def one_format(work: Path, tools: Path, rounds: int) -> list[Row]:
    """One format of a small model, beside MLflow with signature and input example."""
    manifest = plain(work, formats=["keras"])
    script = [str(tools / "mlflow" / "bin" / "python"), str(BASELINES / "with_mlflow.py")]
    out = work / "mlflow"
    found = medians(
        [
            _build("artifactbuild", manifest),
            Case(
                name="mlflow",
                command=[*script, str(manifest.parent), str(out)],
                folder=work,
                before=lambda: shutil.rmtree(out, ignore_errors=True),
            ),
            _by_hand(manifest, work / "out", ["keras"]),
        ],
        rounds,
    )
    ours, theirs = found["artifactbuild"], found["mlflow"]
    return [
        *(Row(f"keras alone: {name}, wall", run.wall, "s") for name, run in found.items()),
        Row("keras alone: build / MLflow, wall", ours.wall / theirs.wall, "×", 0.4),
        Row("keras alone: build / MLflow, CPU", ours.cpu / theirs.cpu, "×"),
    ]


def ten(work: Path, tools: Path, rounds: int) -> list[Row]:
    """Ten small manifests beside one."""
    first = plain(work)
    for number in range(10):
        own = work / "ten" / f"model_{number}"
        shutil.copytree(first.parent, own)
        text = (own / first.name).read_text().replace("name: dense", f"name: model_{number}")
        (own / first.name).write_text(text)
    found = medians(
        [_build("one", first), _build("ten", work / "ten" / "model_0" / first.name, "ten")], rounds
    )
    return [
        Row("one small manifest, wall", found["one"].wall, "s"),
        Row("ten small manifests, wall", found["ten"].wall, "s"),
        Row("ten small manifests / one, wall", found["ten"].wall / found["one"].wall, "×", 4.0),
        Row("ten small manifests / one, CPU", found["ten"].cpu / found["one"].cpu, "×"),
    ]


def reads(work: Path, tools: Path, rounds: int) -> list[Row]:
    """What it costs that the kernel reports what a factory reads."""
    rows = []
    for name, manifest in (("my_model", walk_through(work)), ("ResNet50", _own(work, "resnet"))):
        seen = _build("reported", manifest)
        forbidden = [sys.executable, "-m", "tests.without_notifications", *seen.command]
        found = medians([seen, replace(seen, name="not reported", command=forbidden)], rounds)
        with_, without = found["reported"], found["not reported"]
        rows += [
            Row(f"{name}, reads reported / not, CPU", with_.cpu / without.cpu, "×"),
            Row(f"{name}, reads reported / not, wall", with_.wall / without.wall, "×"),
        ]
    return rows


def _own(work: Path, name: str) -> Path:
    own = work / name
    own.mkdir()
    (work / "pyproject.toml").touch()
    (own / "model.py").write_text(FACTORIES[name])
    given, shape = INPUTS[name]
    manifest = own / "model.artifact.yaml"
    manifest.write_text(OWN_MANIFEST.format(name=name, input=given, shape=shape))
    return manifest


def _beside_hand(
    manifest: Path,
    name: str,
    rounds: int,
    *,
    wall: float | None = None,
    memory: float | None = None,
) -> list[Row]:
    cases = [_build("build", manifest), _by_hand(manifest, manifest.parents[1] / "out", FORMATS)]
    found = medians(cases, rounds)
    peaks = {
        case.name: statistics.median(measured(case, memory=True).memory for _ in range(rounds))
        for case in cases
    }
    size = sum(p.stat().st_size for p in manifest.parents[1].glob("artifacts/*/weights/v1/ckpt*"))
    ours, theirs = found["build"], found["by hand"]
    return [
        Row(f"{name}: build, wall", ours.wall, "s"),
        Row(f"{name}: by hand, wall", theirs.wall, "s"),
        Row(f"{name}: build / by hand, wall", ours.wall / theirs.wall, "×", wall),
        Row(f"{name}: build / by hand, CPU", ours.cpu / theirs.cpu, "×"),
        Row(f"{name}: build, peak", peaks["build"] / MEGABYTE, "MB"),
        Row(f"{name}: build, peak / model", peaks["build"] / size, "×"),
        Row(f"{name}: build / by hand, peak", peaks["build"] / peaks["by hand"], "×", memory),
    ]


def _build(name: str, manifest: Path, where: str | None = None) -> Case:
    """Return the build of a manifest, or of a folder of them, that was never built."""
    project = manifest.parents[1]

    def forget() -> None:
        shutil.rmtree(project / "artifacts", ignore_errors=True)
        shutil.rmtree(project.parent / "artifacts", ignore_errors=True)
        for lock in project.rglob("*.lock"):
            lock.unlink()

    top = project.parent if where else project
    command = [*OURS, "build", where or str(manifest.relative_to(project))]
    return Case(name=name, command=command, folder=top, before=forget)


def _by_hand(manifest: Path, out: Path, formats: Sequence[str]) -> Case:
    script = [sys.executable, str(BASELINES / "by_hand.py"), str(manifest.parent), str(out)]
    return Case(
        name="by hand",
        command=[*script, "{}", *formats],
        folder=manifest.parents[1],
        before=lambda: shutil.rmtree(out, ignore_errors=True),
        environment={"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def prepared(command: Sequence[str], folder: Path) -> None:
    """Run a command that is not measured."""
    measured(Case(name=" ".join(command), command=command, folder=folder))


PARTS: Mapping[str, Callable[[Path, Path, int], list[Row]]] = {
    each.__name__: each
    for each in (unchanged, thousand, small, trained, resnet, large, one_format, ten, reads)
}


def install(tools: Path) -> None:
    """Make the environments of the other tools, once."""
    wanted = {"dvc": ["dvc", "doit"], "mlflow": ["mlflow-skinny", "pandas"]}
    for name, packages in wanted.items():
        if not (tools / name).exists():
            subprocess.run([sys.executable, "-m", "venv", tools / name], check=True)
            site = next((tools / name).glob("lib/*/site-packages"))
            ours = [path for path in sys.path if path.endswith("site-packages")]
            if name == "mlflow":  # it takes our TensorFlow and Keras
                (site / "ours.pth").write_text("\n".join(ours) + "\n")
            pip = [tools / name / "bin" / "python", "-m", "pip", "install", "-q", *packages]
            subprocess.run(pip, check=True)


def table(rows: Sequence[Row]) -> str:
    """Return the rows in Markdown, with what was asked for and whether it is met."""
    lines = ["| | measured | asked for | |", "| --- | --- | --- | --- |"]
    for row in rows:
        amount = f"{row.amount:.3g} {row.unit}"
        bound = "" if row.bound is None else f"≤ {row.bound:g} {row.unit}"
        met = "" if row.bound is None else "met" if row.amount <= row.bound else "**not met**"
        lines.append(f"| {row.what} | {amount} | {bound} | {met} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the parts that are asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--tools", type=Path, default=Path(tempfile.gettempdir(), "benchmark-tools")
    )
    arguments = parser.parse_args()
    if unknown := sorted({*arguments.parts} - set(PARTS)):
        parser.error(f"no part {unknown[0]!r}; parts are: {', '.join(PARTS)}")
    install(arguments.tools)
    compileall.compile_dir(ROOT / "artifactbuild", quiet=1)  # as pip does for users
    rows: list[Row] = []
    for name in arguments.parts or PARTS:
        print(name, file=sys.stderr)
        with tempfile.TemporaryDirectory() as work:
            rows += PARTS[name](Path(work), arguments.tools, arguments.rounds)
    print(table(rows))


if __name__ == "__main__":
    main()
