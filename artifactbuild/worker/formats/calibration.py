"""The ranges of int8, settled so that processors agree on them.

TFLite reads the smallest and the largest value of each tensor from float kernels, whose sums differ
in their last bits between processors; so would every scale that is made of them. Hence each range
is widened to ends of a few bits, which all ranges close by have in common.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert import mlir_quantize

BITS = 7
"""How many bits the larger end keeps: each end is moved by 1.6 % of the larger one at most."""

SPARE = 2.0**-14
"""How far a value may lie beyond a settled end: a share of the power of two above the larger one.

Without it, ranges that end by nature where a settled one does, at 0, 1 or 6, would be on the edge.
"""


def settling(converter: Any) -> Callable[..., bytes]:
    """Return what quantizes in place of a converter's own method, with settled ranges."""
    calibrate = converter._quantize

    def quantize(content: bytes, *settings: Any) -> bytes:
        input_type, output_type, _, _, _, variables, debugging = settings
        converter._experimental_calibrate_only = True
        quantized: bytes = mlir_quantize(
            settled(calibrate(content, *settings)),
            input_data_type=input_type,
            output_data_type=output_type,
            enable_variable_quantization=variables,
            debug_options_str=debugging.SerializeToString(),
        )
        return quantized

    return quantize


def settled(calibrated: bytes) -> bytes:
    """Return a calibrated model with every range settled."""
    content = bytearray(calibrated)
    model = schema.Model.GetRootAs(content)
    graphs = (model.Subgraphs(index) for index in range(model.SubgraphsLength()))
    for graph in graphs:
        for index in range(graph.TensorsLength()):
            found = graph.Tensors(index).Quantization()
            low, high = (found.MinAsNumpy(), found.MaxAsNumpy()) if found is not None else (0, 0)
            if isinstance(low, np.ndarray) and isinstance(high, np.ndarray):
                low[:], high[:] = widened(low, high)
    return bytes(content)


def widened(low: Any, high: Any) -> tuple[Any, Any]:
    """Return the ends of ranges, moved outward to multiples of a power of two."""
    low, high = (np.asarray(end, np.float64) for end in (low, high))
    largest = np.maximum(np.abs(low), np.abs(high)) * (1 - SPARE)
    step = np.ldexp(1.0, np.frexp(largest)[1] - BITS)
    spare = SPARE * 2**BITS
    lower, upper = np.floor(low / step + spare) * step, np.ceil(high / step - spare) * step
    return lower + 0.0, upper + 0.0  # no zero is negative
