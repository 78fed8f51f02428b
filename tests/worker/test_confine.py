"""What a factory writes: nothing of its project, whichever way it tries."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifactbuild import pipeline, proposal
from artifactbuild.job import job, store
from artifactbuild.manifest.load import load
from artifactbuild.manifest.model import Target
from artifactbuild.manifest.placing import Wish, place
from artifactbuild.problems import Refusal
from artifactbuild.worker import confine, confining, kernel
from artifactbuild.worker.server import Server

SAMPLE = Path(__file__).parents[1] / "samples" / "dense"
Written = Callable[[str], Path]

CURE = (
    "write to a folder of tempfile.mkdtemp(), "
    "or name what a training script left there under weights:"
)

READ_INSTEAD = {
    "sqlite3": "read it by sqlite3.connect('file:kept.db?immutable=1', uri=True), ",
}

KINDS = {
    "open": ("open('data.txt', 'w')", "dense/data.txt"),
    "open for appending": ("open('kept.txt', 'a')", "dense/kept.txt"),
    "np.memmap": ("import numpy; numpy.memmap('kept.txt', mode='w+', shape=4)", "dense/kept.txt"),
    "h5py": ("import h5py; h5py.File('data.h5', 'w')", "dense/data.h5"),
    "tf.io.write_file": (
        "import tensorflow as tf; tf.io.write_file('data.bin', b'x')",
        "dense/data.bin",
    ),
    "tf.io.gfile": (
        "import tensorflow as tf; tf.io.gfile.makedirs('made/deep')",
        "dense/made",
    ),
    "model.save": (
        "keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save('old.keras')",
        "dense/old.keras",
    ),
    "model.save_weights": (
        "keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])"
        ".save_weights('old.weights.h5')",
        "dense/old.weights.h5",
    ),
    "remove": ("import os; os.remove('kept.txt')", "dense/kept.txt"),
    "rename": ("import os; os.rename('kept.txt', 'other.txt')", "dense/kept.txt"),
    "mkdir": ("import pathlib; pathlib.Path('made').mkdir()", "dense/made"),
    "symlink": ("import os; os.symlink('kept.txt', 'link')", "dense/link"),
    "link": ("import os; os.link('kept.txt', 'link')", "dense/link"),
    "chmod": ("import os; os.chmod('kept.txt', 0o777)", "dense/kept.txt"),
    "utime": ("import os; os.utime('kept.txt', (0, 0))", "dense/kept.txt"),
    "truncate": ("import os; os.truncate('kept.txt', 0)", "dense/kept.txt"),
    "rmtree": ("import shutil; shutil.rmtree('folder')", "dense/folder/inner.txt"),
    "copy": ("import shutil; shutil.copy('kept.txt', 'copy.txt')", "dense/copy.txt"),
    "move": (
        "import shutil, tempfile; shutil.move('kept.txt', tempfile.mkdtemp())",
        "dense/kept.txt",
    ),
    "elsewhere": ("import os; os.chdir('/'); open(MANIFEST, 'a')", "dense/model.artifact.yaml"),
    "a folder's descriptor": (
        "import os; os.open('data.txt', os.O_CREAT | os.O_RDWR, dir_fd=os.open('.', os.O_RDONLY))",
        "dense/data.txt",
    ),
    "sqlite3": (
        "import sqlite3; sqlite3.connect('kept.db').execute('insert into t values (2)')",
        "dense/kept.db",
    ),
    "another artifact": (
        "open(ROOT + '/artifacts/other/h5/v1/model.h5', 'wb')",
        "artifacts/other/h5/v1/model.h5",
    ),
    "a child process that is checked": (
        "import subprocess\nsubprocess.run(['touch', 'data.txt'], check=True, capture_output=True)",
        "dense/data.txt",
    ),
    "a fork": (
        "import multiprocessing\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    pool.map(touch, ['data.txt'])",
        "dense/data.txt",
    ),
}


@pytest.fixture(scope="module", params=["namespaces", "landlock"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def servers(way: str) -> Iterator[tuple[Server, list[str]]]:
    """Give a server whose jobs are confined in one way, and what it warns of."""
    if way == "landlock" and kernel.landlock_version() < 2:
        pytest.skip("the kernel has no Landlock")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch, Server(warn=said.append) as running:
        if way == "landlock":
            patch.setenv(kernel.WITHOUT, kernel.NAMESPACES)
        running.warm()
        yield running, said


@pytest.fixture
def written(copied: Callable[[Path], Path], project: Path) -> Written:
    """Give a function that puts lines at the start of a good model's factory."""

    def write(code: str) -> Path:
        manifest = copied(SAMPLE)
        folder = manifest.parent
        manifest.write_text(
            manifest.read_text().replace("[savedmodel, keras, h5, weights]", "[h5]")
        )
        head, factory, body = (folder / "model.py").read_text().partition('    """Return a model')
        head = f"ROOT, MANIFEST = {str(project)!r}, {str(manifest)!r}\n{head}".replace(
            "def make", "def touch(name):\n    open(name, 'w')\n\n\ndef make"
        )
        added = "".join(f"    {line}\n" for line in code.splitlines())
        (folder / "model.py").write_text(head + added + factory + body)
        (folder / "kept.txt").write_text("kept")
        (folder / "folder").mkdir()
        (folder / "folder" / "inner.txt").write_text("inner")
        with sqlite3.connect(folder / "kept.db") as database:
            database.execute("create table t (x)")
            database.execute("insert into t values (1)")
        database.close()
        other = project / "artifacts" / "other" / "h5" / "v1"
        other.mkdir(parents=True)
        (other / "model.h5").write_text("published")
        return manifest

    return write


def state(project: Path) -> dict[str, tuple[str, int, int]]:
    """Return all that there is of a project but what a failed build keeps."""
    found = {}
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        if (
            not name.startswith(("artifacts/.", "artifacts/dense"))
            and path.name != "model.artifact.lock"
        ):
            look = path.lstat()
            content = path.read_text(errors="replace") if path.is_file() else ""
            found[name] = (content, look.st_mode, look.st_mtime_ns if path.is_file() else 0)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_write_into_the_project_is_refused_by_name(
    kind: str, written: Written, servers: tuple[Server, list[str]], project: Path, way: str
) -> None:
    code, file = KINDS[kind]
    manifest, (server, said) = written(code), servers
    before = state(project)
    said.clear()
    with pytest.raises(Refusal) as refusal:
        pipeline.build(job(load(manifest), None), server, lambda text: None)
    (problem,) = refusal.value.problems
    assert state(project) == before
    lines = (manifest.parent / "model.py").read_text().splitlines()
    line = lines.index(f"    {code.splitlines()[-1]}") + 1
    assert re.fullmatch(
        rf"dense/model\.py:({line}|7): the factory 'model:make_model' "
        rf"writes {re.escape(file)} in the project",
        problem.message,
    )
    assert (problem.line, problem.hint) == (4, READ_INSTEAD.get(kind, "") + CURE)


def outcomes(manifest: Path, server: Server) -> list[str]:
    built = pipeline.build(job(load(manifest), None), server, lambda text: None)
    return [result.outcome for result in built.outcome.results]


HARMLESS = """import os, pathlib, sqlite3, subprocess, sys, tempfile, multiprocessing, socket
import keras, numpy
assert numpy.memmap("kept.txt", mode="r").tobytes() == b"kept"
assert numpy.memmap("kept.txt", mode="c").tobytes() == b"kept"
assert sqlite3.connect("kept.db").execute("select x from t").fetchall() == [(1,)]
os.makedirs("folder", exist_ok=True)
pathlib.Path("folder").mkdir(exist_ok=True)
scratch = pathlib.Path(tempfile.mkdtemp())
(scratch / "a").write_text("x")
os.rename(scratch / "a", scratch / "b")
(scratch / "c").mkdir()
os.rename(scratch / "b", scratch / "c" / "b")
(scratch / "link").symlink_to("c")
os.chmod(scratch / "c" / "b", 0o600)
(scratch / "d").write_text("x")
os.link(scratch / "d", scratch / "e")
folder = os.open(scratch, os.O_RDONLY)
os.close(os.open("kept.txt", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
os.chmod("kept.txt", 0o600, dir_fd=folder)
os.utime("kept.txt", (0, 0), dir_fd=folder)
small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
small.compile("sgd", "mse")
board = keras.callbacks.CSVLogger(str(scratch / "log.csv"))
best = keras.callbacks.ModelCheckpoint(str(scratch / "best.keras"), monitor="loss")
small.fit(numpy.ones((4, 2)), numpy.ones((4, 1)), verbose=0, callbacks=[board, best])
small.save(scratch / "small.keras")
small.export(scratch / "exported", verbose=False)
for name in ("~", "~/.cache", "~/.config/deep", "~/.keras/datasets"):
    os.makedirs(os.path.expanduser(name), exist_ok=True)
    pathlib.Path(os.path.expanduser(name), "made").touch()
with open(os.devnull, "w") as file:
    file.write("x")
lock = multiprocessing.get_context("fork").Lock()
queue = multiprocessing.get_context("fork").Queue()
queue.put(1)
assert queue.get() == 1
with multiprocessing.get_context("spawn").Pool(1) as pool:
    assert pool.map(abs, [-1]) == [1]
with multiprocessing.Manager() as manager:
    assert manager.list([1])[0] == 1
subprocess.run(["sh", "-c", "echo x > $TMPDIR/x && cat $TMPDIR/x"], check=True)
subprocess.run([sys.executable, "-c", "import numpy"], check=True)
socket.socketpair()
assert os.stat("/proc/self/status").st_size == 0
assert f"Pid:\\t{os.getpid()}" in open(f"/proc/{os.getpid()}/status").read()
with open(OUTSIDE, "w") as file:
    file.write("written")"""


def test_what_writes_elsewhere_is_let_alone(
    written: Written, servers: tuple[Server, list[str]], tmp_path: Path, way: str
) -> None:
    """Landlock lets nothing new be made directly in a folder that the project lies in."""
    outside = tmp_path / "outside"
    if way == "landlock":
        outside.touch()
    server, said = servers
    said.clear()
    manifest = written(HARMLESS.replace("OUTSIDE", repr(str(outside))))
    assert outcomes(manifest, server) == ["published"]
    assert outside.read_text() == "written"
    assert [text for text in said if text != confining.SURVIVORS] == []


def test_swallowed_refusal_is_a_warning(
    written: Written, servers: tuple[Server, list[str]], project: Path
) -> None:
    server, said = servers
    code = "try:\n    open('cache.bin', 'wb')\nexcept OSError:\n    pass"
    manifest = written(code)
    before = state(project)
    said.clear()
    assert outcomes(manifest, server) == ["published"]
    assert state(project) == before
    assert [text for text in said if text != confining.SURVIVORS] == [
        "dense/model.py:13: 'dense/cache.bin' was not written, the project is read-only: "
        "write to a folder of tempfile.mkdtemp()"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.system('touch data.txt')",
        "import subprocess; subprocess.run('echo x > data.txt', shell=True)",
        "import subprocess; subprocess.run(['cp', 'kept.txt', 'data.txt'])",
    ],
)
def test_child_process_that_nobody_checks_is_a_warning(
    code: str, written: Written, servers: tuple[Server, list[str]], project: Path
) -> None:
    server, said = servers
    manifest = written(code)
    before = state(project)
    said.clear()
    server._warned.clear()
    assert outcomes(manifest, server) == ["published"]
    assert state(project) == before
    (warning,) = [text for text in said if text != confining.SURVIVORS]
    assert warning.startswith("dense/model.py:12: ")
    assert "data.txt" in warning
    assert warning.endswith("the project is read-only: write to a folder of tempfile.mkdtemp()")


def test_staging_is_shut_while_the_factory_runs(
    written: Written, servers: tuple[Server, list[str]], project: Path
) -> None:
    code = (
        "import glob, tensorflow as tf\n"
        "tf.io.write_file(glob.glob(ROOT + '/artifacts/.staging/*/*/h5')[0] + '/more.txt', 'x')"
    )
    with pytest.raises(Refusal) as refusal:
        outcomes(written(code), servers[0])
    (problem,) = refusal.value.problems
    assert problem.message == "the factory writes h5/more.txt in the folder of an artifact"


def test_python_is_refused_where_the_kernel_confines_nothing(
    written: Written, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kernel.WITHOUT, f"{kernel.NAMESPACES},{kernel.LANDLOCK}")
    said: list[str] = []
    with Server(warn=said.append) as server:
        with pytest.raises(Refusal) as refusal:
            outcomes(written("open('data.txt', 'w')"), server)
        (problem,) = refusal.value.problems
        assert problem.message == (
            "dense/model.py:12: the factory 'model:make_model' writes dense/data.txt in the project"
        )
        assert not (project / "dense" / "data.txt").exists()
        model = project / "dense" / "model.py"
        model.write_text(model.read_text().replace("open('data.txt', 'w')", "pass"))
        assert outcomes(project / "dense" / "model.artifact.yaml", server) == ["published"]
    assert said == [confining.SURVIVORS, confine.UNCONFINED]


@pytest.mark.parametrize(
    "kind", ["open", "h5py", "tf.io.write_file", "model.save", "a child process that is checked"]
)
def test_init_lets_nothing_be_written_either(
    kind: str, written: Written, servers: tuple[Server, list[str]], project: Path
) -> None:
    code, file = KINDS[kind]
    manifest = written(code)
    manifest.unlink()
    before = state(project)
    wish = Wish(
        factory=Target.parse("model:make_model"),
        name=None,
        folder=manifest.parent,
        version="v1",
        seed=0,
        kwargs={},
        inputs=(),
        formats=("h5",),
    )
    where = place(wish, project)
    with pytest.raises(Refusal) as refusal:
        proposal.propose(wish, where, store(project, None), servers[0], lambda text: None)
    (problem,) = refusal.value.problems
    assert state(project) == before
    assert problem.message.endswith(f"the factory 'model:make_model' writes {file} in the project")
    assert problem.hint == CURE


def test_layer_that_writes_when_it_is_loaded_is_refused(
    written: Written, servers: tuple[Server, list[str]], project: Path
) -> None:
    manifest = written("pass")
    model = manifest.parent / "model.py"
    model.write_text(
        model.read_text()
        .replace("import keras\n", "import keras\nimport h5py\n" + LAYER)
        .replace('keras.layers.Dense(units, name="y")', 'Noting(units, name="y")')
    )
    manifest.write_text(manifest.read_text() + "custom_objects: [model:Noting]\n")
    before = state(project)
    with pytest.raises(Refusal) as refusal:
        outcomes(manifest, servers[0])
    assert "dense/noted.h5" in "".join(problem.message for problem in refusal.value.problems)
    assert state(project) == before


LAYER = """

class Noting(keras.layers.Dense):
    @classmethod
    def from_config(cls, config):
        h5py.File(ROOT + "/dense/noted.h5", "w")
        return cls(**config)
"""
