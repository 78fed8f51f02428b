"""The models of the kinds: each function `make_<kind>` returns one small Keras model.

This package is copied into a project, where manifests name its functions and classes; it imports
nothing of the tests.
"""
