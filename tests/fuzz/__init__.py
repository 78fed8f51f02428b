"""Damaged and hostile files through the verbs that read them, in one process.

`python -m tests.fuzz --cases 20000 manifests` runs it as long as wanted; `tests/fuzz/test_fuzz.py`
runs a bounded part of it.
"""
