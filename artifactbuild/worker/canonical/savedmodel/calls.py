"""Calls of functions: without the threads and devices of the machine that wrote them."""

from __future__ import annotations

from artifactbuild.worker.canonical.savedmodel.saved import Saved, nodes

SETTINGS = "config_proto"


def forget_machine(saved: Saved) -> None:
    """Leave thread counts and devices out; whoever loads the model has their own."""
    for node in nodes(saved):
        node.attr.pop(SETTINGS, None)
