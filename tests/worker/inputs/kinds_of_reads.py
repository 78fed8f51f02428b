"""Ways in which a factory reads something of its project: how, and how that is laid and changed."""

from __future__ import annotations

import configparser
import os
import shutil
import sqlite3
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

Lay = Callable[[Path, float], None]
BEFORE, AFTER = 1.0, 2.0


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Code that sets `v`, what writes the value it reads, and the drift that names a change."""

    code: str
    lay: Lay
    drift: str


def text(name: str, form: str = "{}") -> Lay:
    """Return what writes a file with the value in it."""

    def lay(folder: Path, value: float) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(form.format(value))

    return lay


def late(name: str, form: str = "{}") -> Lay:
    """Return what writes a file only when the value changes."""

    def lay(folder: Path, value: float) -> None:
        if value != BEFORE:
            text(name, form)(folder, value)

    return lay


def another(folder_name: str) -> Lay:
    """Return what adds a file to a folder."""
    return lambda folder, value: text(f"{folder_name}/{value}.txt")(folder, value)


def both(*lays: Lay) -> Lay:
    """Return what does several things."""

    def lay(folder: Path, value: float) -> None:
        for each in lays:
            each(folder, value)

    return lay


def changed(name: str) -> str:
    """Return the drift of a file whose content changed."""
    return f"source-changed: {name} changed since v1 was released"


def listing(name: str) -> str:
    """Return the drift of a folder that lists other names."""
    return f"source-changed: the list of files in {name}/ changed since v1 was released"


def new(name: str) -> str:
    """Return the drift of a name that was looked for."""
    return f"source-new: {name} is there now, and was not when v1 was released"


def variable(name: str) -> str:
    """Return the drift of a variable of the environment."""
    return f"variable-changed: the environment variable {name} changed since v1 was released"


def _bytes(folder: Path, value: float) -> None:
    (folder / "d.bin").write_bytes(struct.pack("f", value))


def _sqlite(folder: Path, value: float) -> None:
    script = f"drop table if exists t; create table t(v real); insert into t values({value});"
    with sqlite3.connect(folder / "d.db") as connection:
        connection.executescript(script)
    connection.close()


def _hdf5(folder: Path, value: float) -> None:
    with h5py.File(folder / "d.h5", "w") as file:
        file["v"] = value


def _library(folder: Path, value: float) -> None:
    (folder / "v.c").write_text(f"double v(void){{return {value};}}")
    made = folder / "libv.so.new"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", made, folder / "v.c"], check=True)
    made.rename(folder / "libv.so")


def _zip(folder: Path, value: float) -> None:
    with zipfile.ZipFile(folder / "z.zip", "w") as file:
        file.writestr("zipped.py", f"V = {value}")


def _link(folder: Path, value: float) -> None:
    text(f"real{value}.txt")(folder, value)
    (folder / "link.txt").unlink(missing_ok=True)
    (folder / "link.txt").symlink_to(f"real{value}.txt")


def _link_out(folder: Path, value: float) -> None:
    outside = folder.parents[1] / "outside"
    outside.mkdir(exist_ok=True)
    text("d.txt")(outside, value)
    if not (folder / "out").is_symlink():
        (folder / "out").symlink_to(outside)


def _ini(folder: Path, value: float) -> None:
    if value != BEFORE:
        parser = configparser.ConfigParser()
        parser["m"] = {"v": str(value)}
        with open(folder / "b.ini", "w") as file:
            parser.write(file)


def _folder(folder: Path, value: float) -> None:
    if value == BEFORE:
        (folder / "cache").mkdir()
    else:
        shutil.rmtree(folder / "cache")


def _nothing(folder: Path, value: float) -> None:
    del folder, value


TRY = "\n    try:\n        {}\n    except {}: v = 1.0"
FLAG = "v = 2.0 if {} else 1.0"
COUNT = "v = float(len({}))"
POOL = "\n    with mp.get_context('{}').Pool(1) as pool: v = pool.map({}, [HERE + 'd.txt'])[0]"

KINDS = {
    "open": Kind(code="v = float(open(HERE + 'd.txt').read())", lay=text("d.txt"), drift=changed("d.txt")),
    "open_to_write": Kind(code="v = float(open(HERE + 'd.txt', 'r+').read())", lay=text("d.txt"), drift=changed("d.txt")),
    "memmap": Kind(code="v = float(np.memmap(HERE + 'd.bin', dtype='float32')[0])", lay=_bytes, drift=changed("d.bin")),
    "mmap": Kind(code="import mmap; v = float(mmap.mmap(os.open(HERE + 'd.txt', os.O_RDONLY), 0, prot=mmap.PROT_READ)[:])", lay=text("d.txt"), drift=changed("d.txt")),
    "dir_fd": Kind(code="v = float(os.read(os.open('d.txt', os.O_RDONLY, dir_fd=os.open(HERE + 'sub', os.O_RDONLY)), 9))", lay=text("sub/d.txt"), drift=changed("sub/d.txt")),
    "hidden": Kind(code="v = float(open(HERE + '.data/d.txt').read())", lay=text(".data/d.txt"), drift=changed(".data/d.txt")),
    "above": Kind(code="v = float(open(HERE + '../above.txt').read())", lay=text("../above.txt"), drift=changed("../above.txt")),
    "link": Kind(code="v = float(open(HERE + 'link.txt').read())", lay=_link, drift=changed("link.txt")),
    "link_out": Kind(code="v = float(open(HERE + 'out/d.txt').read())", lay=_link_out, drift=changed("out/d.txt")),
    "thread": Kind(code="out = []; t = threading.Thread(target=lambda: out.append(read(HERE + 'd.txt'))); t.start(); t.join(); v = out[0]", lay=text("d.txt"), drift=changed("d.txt")),
    "fopen": Kind(code="c = ctypes.CDLL(None); c.fopen.restype = ctypes.c_void_p; b = ctypes.create_string_buffer(9); c.fgets(b, 9, ctypes.c_void_p(c.fopen((HERE + 'd.txt').encode(), b'r'))); v = float(b.value)", lay=text("d.txt"), drift=changed("d.txt")),
    "shared_library": Kind(code="l = ctypes.CDLL(HERE + 'libv.so'); l.v.restype = ctypes.c_double; v = l.v()", lay=_library, drift=changed("libv.so")),
    "sqlite": Kind(code="import sqlite3; v = sqlite3.connect(HERE + 'd.db').execute('select v from t').fetchone()[0]", lay=_sqlite, drift=changed("d.db")),
    "hdf5": Kind(code="import h5py; v = float(h5py.File(HERE + 'd.h5')['v'][()])", lay=_hdf5, drift=changed("d.h5")),
    "numpy": Kind(code="v = float(np.load(HERE + 'd.npy', mmap_mode='r'))", lay=lambda f, x: np.save(f / "d.npy", x), drift=changed("d.npy")),
    "tf_io": Kind(code="v = float(tf.io.read_file(HERE + 'd.txt').numpy())", lay=text("d.txt"), drift=changed("d.txt")),
    "tf_data": Kind(code="v = float(next(iter(tf.data.TextLineDataset(HERE + 'd.txt'))).numpy())", lay=text("d.txt"), drift=changed("d.txt")),
    "tf_glob": Kind(code=COUNT.format("tf.io.gfile.glob(HERE + 'parts/*')"), lay=another("parts"), drift=listing("parts")),
    "tf_exists": Kind(code=FLAG.format("tf.io.gfile.exists(HERE + 'flag')"), lay=late("flag"), drift=new("flag")),
    "child": Kind(code="v = float(subprocess.check_output(['cat', HERE + 'd.txt']))", lay=text("d.txt"), drift=changed("d.txt")),
    "child_python": Kind(code="v = float(subprocess.check_output([sys.executable, 'helper.py'], cwd=HERE))", lay=text("helper.py", "print({})"), drift=changed("helper.py")),
    "child_shell": Kind(code="v = float(os.popen('cd ' + HERE + ' && sh ./run.sh').read())", lay=text("run.sh", "echo {}"), drift=changed("run.sh")),
    "child_listing": Kind(code=COUNT.format("subprocess.check_output(['ls', HERE + 'parts']).split()"), lay=another("parts"), drift=listing("parts")),
    "fork": Kind(code=POOL.format("fork", "read"), lay=text("d.txt"), drift=changed("d.txt")),
    "spawn": Kind(code="import helper" + POOL.format("spawn", "helper.read"), lay=both(text("d.txt"), text("helper.py", "def read(path):\n    return float(open(path).read())\n")), drift=changed("d.txt")),
    "executed": Kind(code="g = {}; exec(open(HERE + 'code.py').read(), g); v = g['V']", lay=text("code.py", "V = {}"), drift=changed("code.py")),
    "run_path": Kind(code="import runpy; v = runpy.run_path(HERE + 'code.py')['V']", lay=text("code.py", "V = {}"), drift=changed("code.py")),
    "zip_import": Kind(code="sys.path.insert(0, HERE + 'z.zip'); import zipped; v = zipped.V", lay=_zip, drift=changed("z.zip")),
    "resource": Kind(code="import importlib.resources as r, pack; v = float((r.files('pack') / 'd.txt').read_text())", lay=both(text("pack/d.txt"), text("pack/__init__.py", "")), drift=changed("pack/d.txt")),
    "glob": Kind(code="v = sum(read(p) for p in sorted(Path(HERE + 'parts').glob('*.txt')))", lay=another("parts"), drift=listing("parts")),
    "rglob": Kind(code=COUNT.format("list(Path(HERE + 'tree').rglob('*.txt'))"), lay=another("tree/inner"), drift=listing("tree/inner")),
    "walk": Kind(code="v = float(sum(len(n) for _, _, n in os.walk(HERE + 'tree')))", lay=another("tree/inner"), drift=listing("tree/inner")),
    "scandir": Kind(code=COUNT.format("list(os.scandir(HERE + 'parts'))"), lay=another("parts"), drift=listing("parts")),
    "listing_by_descriptor": Kind(code=COUNT.format("os.listdir(os.open(HERE + 'parts', os.O_RDONLY))"), lay=another("parts"), drift=listing("parts")),
    "listing_where_modules_lie": Kind(code=COUNT.format("list(Path(HERE).glob('*.txt'))"), lay=another("."), drift=listing(".")),
    "optional_file": Kind(code=TRY.format("v = read(HERE + 'override.txt')", "FileNotFoundError"), lay=late("override.txt"), drift=new("override.txt")),
    "exists": Kind(code=FLAG.format("Path(HERE + 'flag').exists()"), lay=late("flag"), drift=new("flag")),
    "access": Kind(code=FLAG.format("os.access(HERE + 'flag', os.F_OK)"), lay=late("flag"), drift=new("flag")),
    "folder_exists": Kind(code=FLAG.format("os.path.isdir(HERE + 'cache')"), lay=_folder, drift="source-missing: cache/, which v1 was made from, is gone"),
    "config": Kind(code="import configparser; c = configparser.ConfigParser(); c.read([HERE + 'a.ini', HERE + 'b.ini']); v = float(c.get('m', 'v', fallback='1'))", lay=_ini, drift=new("b.ini")),
    "optional_module": Kind(code=TRY.format("from settings_local import V as v", "ImportError"), lay=late("settings_local.py", "V = {}"), drift=new("settings_local.py")),
    "optional_package": Kind(code=TRY.format("import localpackage; v = 2.0", "ImportError"), lay=late("localpackage/__init__.py", ""), drift=new("localpackage")),
    "optional_submodule": Kind(code=TRY.format("from pack import local; v = local.V", "ImportError"), lay=both(text("pack/__init__.py", ""), late("pack/local.py", "V = {}")), drift=new("pack/local.py")),
    "find_spec": Kind(code=FLAG.format("importlib.util.find_spec('settings_here')"), lay=late("settings_here.py"), drift=new("settings_here.py")),
    "environ": Kind(code="v = float(os.environ['KINDS_SCALE'])", lay=_nothing, drift=variable("KINDS_SCALE")),
    "getenv": Kind(code="v = float(os.getenv('KINDS_LATE', '1'))", lay=_nothing, drift=variable("KINDS_LATE")),
    "environ_has": Kind(code=FLAG.format("'KINDS_LATE' in os.environ"), lay=_nothing, drift=variable("KINDS_LATE")),
    "secret": Kind(code=FLAG.format("os.environ.get('KINDS_TOKEN')"), lay=_nothing, drift=variable("KINDS_TOKEN")),
    "distribution": Kind(code="import thirdparty; v = thirdparty.V", lay=_nothing, drift="distribution-changed: thirdparty 1.0 → 2.0 since v1 was released"),
}  # fmt: skip

MODEL = """\
import ctypes, importlib.util, os, subprocess, sys, threading
import multiprocessing as mp
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__)) + "/"


def read(path):
    return float(open(path).read())


def make_model():
    {code}
    kernel = keras.initializers.Constant(v)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, kernel_initializer=kernel)])
"""

MANIFEST = """\
schema_version: 1
name: {name}
version: v1
factory: model:make_model
formats: [weights]
input_signature:
  - {{name: x, shape: [null, 4], dtype: float32}}
reference_inputs:
  - name: rows
    x: {{normal: {{stddev: 1.0}}, shape: [8, 4]}}
"""


def lay(root: Path, library: Path, kinds: Iterable[str] = KINDS) -> None:
    """Lay a project of each kind, and a distribution next to them."""
    for name in kinds:
        kind = KINDS[name]
        folder = root / name
        folder.mkdir(parents=True)
        (folder / "model.py").write_text(MODEL.format(code=kind.code))
        (folder / "model.artifact.yaml").write_text(MANIFEST.format(name=name))
        kind.lay(folder, BEFORE)
    library.mkdir()
    _distribution(library, BEFORE)


def change(root: Path, library: Path, kinds: Iterable[str] = KINDS) -> None:
    """Change what each project reads."""
    for name in kinds:
        KINDS[name].lay(root / name, AFTER)
    _distribution(library, AFTER)


def environment(library: Path, value: float) -> dict[str, str]:
    """Return the environment that the projects see."""
    late = {"KINDS_LATE": str(value), "KINDS_TOKEN": "t0k3n"} if value != BEFORE else {}
    own = {"PYTHONPATH": str(library), "KINDS_SCALE": str(value)}
    return {**os.environ, **own, **late}


def _distribution(library: Path, value: float) -> None:
    for old in library.glob("thirdparty-*.dist-info"):
        old.rmdir()
    (library / f"thirdparty-{value}.dist-info").mkdir()
    (library / "thirdparty.py").write_text(f"V = {value}\n")
