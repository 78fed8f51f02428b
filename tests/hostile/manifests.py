"""Hostile manifests, and what lies beside them: `check` must refuse each and run none."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from tests.hostile.ground import Ground

Make = Callable[[Ground], None]


class Writes:
    """Writes the marker when it is unpickled."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (open, (self.marker, "w"))


def python_tag(at: Ground) -> None:
    at.rewrite("seed: 1", "seed: !!python/object/apply:os.system ['touch ../marker']")


def billion_laughs(at: Ground) -> None:
    lines = ["kwargs:", "  a0: &a0 [x, x]"]
    lines += [f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 3)]
    at.rewrite("seed: 1", "\n".join(lines))


def deep(at: Ground) -> None:
    at.manifest.write_text("a: " + "[" * 60_000 + "]" * 60_000)


def merged(at: Ground) -> None:
    at.rewrite("seed: 1", "<<: {seed: 1}")


def twice(at: Ground) -> None:
    at.rewrite("version: v1", "version: v1\nversion: v2")


def bidi(at: Ground) -> None:
    at.rewrite("seed: 1", "seed: 1  # \u202e reversed")


def not_utf8(at: Ground) -> None:
    at.manifest.write_bytes("schema_version: 1\n".encode("utf-16"))


def huge(at: Ground) -> None:
    at.manifest.write_text("#" * (5 << 20))


def path_in_name(at: Ground) -> None:
    at.rewrite("name: dense", "name: ../../dense")


def newline_in_name(at: Ground) -> None:
    at.rewrite("name: dense", 'name: "dense\\n"')


def path_in_version(at: Ground) -> None:
    at.rewrite("version: v1", "version: ../v1")


def relative_module(at: Ground) -> None:
    at.rewrite("model:make_model", "..model:make_model")


def template_outside(at: Ground) -> None:
    at.rewrite("seed: 1", "seed: 1\ncard: {template: ../../canary}")


def weights_absolute(at: Ground) -> None:
    at.rewrite("seed: 1", f"seed: 1\nweights: {{path: /etc/passwd, sha256: {'a' * 64}}}")


def template_by_link(at: Ground) -> None:
    (at.manifest.parent / "card.md.j2").symlink_to(at.canary)
    at.rewrite("seed: 1", "seed: 1\ncard: {template: card.md.j2}")


def asset_by_link(at: Ground) -> None:
    (at.manifest.parent / "folder").symlink_to(at.canary.parent)
    at.rewrite("seed: 1", "seed: 1\nassets: [folder/canary]")


def manifest_by_link(at: Ground) -> None:
    at.manifest.unlink()
    at.manifest.symlink_to(at.canary)


def manifest_is_a_pipe(at: Ground) -> None:
    at.manifest.unlink()
    os.mkfifo(at.manifest)


def module_by_link(at: Ground) -> None:
    (at.manifest.parent / "model.py").unlink()
    (at.manifest.parent / "model.py").symlink_to(at.canary)


def module_is_a_pipe(at: Ground) -> None:
    (at.manifest.parent / "model.py").unlink()
    os.mkfifo(at.manifest.parent / "model.py")


def lock_is_a_pipe(at: Ground) -> None:
    lock = at.manifest.with_suffix(".lock")
    lock.unlink()
    os.mkfifo(lock)


def lock_nested(at: Ground) -> None:
    at.manifest.with_suffix(".lock").write_text('{"a":' * 100_000)


def lock_says_it_twice(at: Ground) -> None:
    lock = at.manifest.with_suffix(".lock")
    lock.write_text(lock.read_text().replace('"model": "dense"', '"model": "x", "model": "dense"'))


def pickled_rows(at: Ground) -> None:
    _rows(at, pickle.dumps(Writes(str(at.marker))), "'|O'", (8, 4))


def rows_of_an_exabyte(at: Ground) -> None:
    _rows(at, b"\0" * 128, "'<f4'", (1 << 58, 4))


def rows_run_as_their_header(at: Ground) -> None:
    _rows(at, b"", f"__import__('os').system('touch {at.marker}')", (8, 4))


def _rows(at: Ground, content: bytes, described: str, shape: tuple[int, ...]) -> None:
    header = f"{{'descr': {described}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", array)
    (at.manifest.parent / "rows.npz").write_bytes(buffer.getvalue())
    at.rewrite("x: {normal: true, shape: [8, 4]}", "file: rows.npz")


CASES: Mapping[str, Make] = {
    make.__name__: make
    for make in (
        python_tag,
        billion_laughs,
        deep,
        merged,
        twice,
        bidi,
        not_utf8,
        huge,
        path_in_name,
        newline_in_name,
        path_in_version,
        relative_module,
        template_outside,
        weights_absolute,
        template_by_link,
        asset_by_link,
        manifest_by_link,
        manifest_is_a_pipe,
        module_by_link,
        module_is_a_pipe,
        lock_is_a_pipe,
        lock_nested,
        lock_says_it_twice,
        pickled_rows,
        rows_of_an_exabyte,
        rows_run_as_their_header,
    )
}
