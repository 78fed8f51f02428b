"""What a payload contains, read without loading it: no code of the project or the artifact runs.

One parser, one module; each yields the faults that it finds. A format names those that its files
need (`inspect` in `worker/formats/`), and `worker/static.py` runs them in a child with limits.
"""
