"""The kinds of models that the suite builds: which factory, which inputs, which row of the table.

One row, one sort of model; its kinds are the variants that a format may treat apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.kinds.nouns import ROWS, Kind, floats, integers, kinds, literal, uniform

WORDS = [["red"], ["blue"], ["green"], ["pink"], ["red"], [""], ["Red"], ["blue"]]
TEXTS = [
    "the red house",
    "a blue car",
    "",
    "the the",
    "green",
    "A CAR!",
    "unknown words",
    "red car",
]
HIDDEN_STATE, BYTECODE = "state that Keras does not know of", "Lambda of a lambda"
OPEN_TIME = "TimeDistributed over any time"
HOPELESS = (HIDDEN_STATE, BYTECODE, OPEN_TIME)
"""The rows that every format may refuse; any other model is proven in some format."""


SERIES, IMAGE = floats("x", None, 5, 3), floats("image", None, 6, 6, 3)
IDS, WORD, TEXT = (
    integers("ids", 0, 10, None, 5),
    literal("word", WORDS, None, 1),
    literal("text", TEXTS, None),
)
A4, B4, B3, C2 = (
    floats("a", None, 4),
    floats("b", None, 4),
    floats("b", None, 3),
    floats("c", None, 2),
)
MASK = [[bool((row >> bit) & 1) for bit in range(6)] for row in range(3, 3 + ROWS)]


def _structures() -> Iterator[Kind]:
    of = "structures"
    yield from kinds("dense, functional, sequential", of, "dense deep activation_layers functional")
    yield from kinds("dense, functional, sequential", of, "sequential sequential_unbuilt merging")
    yield from kinds("dense, functional, sequential", of, "reshaping", floats("x", None, 6))
    yield from kinds("dense, functional, sequential", of, "einsum_dense", floats("x", None, 4, 3))
    yield from kinds("nested, shared, residual", of, "nested shared_model residual")
    yield from kinds(
        "nested, shared, residual",
        of,
        "shared_layer",
        floats("left", None, 4),
        floats("right", None, 4),
    )
    several = "several inputs or outputs (list, dict, nested)"
    yield from kinds(several, of, "multi_input_list multi_input_dict", A4, B3)
    yield from kinds(several, of, "multi_input_nested", floats("first", None, 4), B3, C2)
    yield from kinds(several, of, "multi_output_list multi_output_dict multi_output_nested")
    yield from kinds(
        "optional inputs, all of them given",
        of,
        "optional_input",
        A4,
        B4,
        custom="structures:OptionalSum",
    )
    yield from kinds("sparse input, given dense", of, "sparse_input", floats("x", None, 6))
    yield from kinds("ragged input, given dense", of, "ragged_input", floats("x", None, None, 3))
    yield from kinds("fixed batch", of, "fixed_batch", floats("x", 8, 4))
    yield from kinds("no weights at all", of, "no_weights")
    yield from kinds("LoRA", of, "lora_dense", floats("x", None, 6))


def _images() -> Iterator[Kind]:
    of, group = "images", "convolution, pooling, resizing"
    small, medium = floats("x", None, 4, 4, 2), floats("x", None, 6, 6, 2)
    yield from kinds(group, of, "conv1d", floats("x", None, 9, 3))
    yield from kinds(group, of, "conv2d", floats("x", None, 8, 8, 2))
    yield from kinds(group, of, "conv3d", floats("x", None, 5, 6, 6, 2))
    yield from kinds(group, of, "depthwise separable", medium)
    yield from kinds(group, of, "transposed resizing", small)
    yield from kinds(group, of, "pooling", floats("x", None, 8, 8, 3))
    yield from kinds("any image size", of, "dynamic_image_size", floats("x", None, None, None, 3))
    group = "normalization layers"
    yield from kinds(group, of, "batch_normalization layer_normalization spectral_normalization")
    yield from kinds(group, of, "group_normalization", floats("x", None, 5, 5, 4))


def _sequences() -> Iterator[Kind]:
    of, group = "sequences", "LSTM, GRU, SimpleRNN, Bidirectional"
    yield from kinds(group, of, "lstm gru simple_rnn bidirectional stacked_rnn rnn_states", SERIES)
    yield from kinds(group, of, "masking", IDS)
    yield from kinds("any length of time", of, "dynamic_time", floats("x", None, None, 3))
    yield from kinds("stateful RNN", of, "stateful_rnn", floats("x", 8, 5, 3))
    yield from kinds("TimeDistributed", of, "time_distributed", SERIES)
    yield from kinds(OPEN_TIME, of, "time_distributed_dynamic", floats("x", None, None, 3))
    yield from kinds("ConvLSTM", of, "conv_lstm", floats("x", None, 3, 5, 5, 2))
    yield from kinds("embedding", of, "embedding_int32 tied_embedding", IDS)
    yield from kinds(
        "embedding", of, "embedding_int64", integers("ids", 0, 10, None, 5, dtype="int64")
    )
    yield from kinds("attention", of, "attention", SERIES)
    yield from kinds("attention", of, "multi_head_attention", floats("x", None, 5, 4))
    yield from kinds("attention", of, "transformer", floats("x", None, None, 4))


def _operations() -> Iterator[Kind]:
    of, group = "operations", "functional graph with `keras.ops`"
    yield from kinds(group, of, "ops_add ops_exp operators ops_comparison ops_nested")
    yield from kinds(group, of, "ops_matmul", floats("x", None, 4, 3))
    yield from kinds(group, of, "ops_shape", floats("x", None, 6))
    yield from kinds(group, of, "ops_image", floats("x", None, 8, 8, 2))
    yield from kinds("`argmax` in the graph", of, "ops_argmax")


def _subclassed() -> Iterator[Kind]:
    of, group = "subclassed", "subclassed"
    yield from kinds(group, of, "subclassed subclassed_unbuilt", custom="subclassed:Plain")
    yield from kinds(group, of, "subclassed_unregistered", custom="subclassed:Unregistered")
    yield from kinds(group, of, "subclassed_trained", custom="subclassed:OwnStep")
    yield from kinds(group, of, "subclassed_nested", custom="subclassed:Nested")
    yield from kinds(group, of, "subclassed_training", custom="subclassed:TrainsByDefault")
    several = "subclassed, several inputs"
    yield from kinds(
        several,
        of,
        "subclassed_dict subclassed_dict_unbuilt",
        A4,
        B4,
        custom="subclassed:TakesDict",
    )
    yield from kinds(several, of, "subclassed_list", A4, B4, custom="subclassed:TakesList")
    lists = "subclassed, layers in a plain list or dict"
    yield from kinds(lists, of, "layers_in_list", custom="subclassed:InList")
    yield from kinds(lists, of, "layers_in_dict", custom="subclassed:InDict")
    yield from kinds(HIDDEN_STATE, of, "raw_variable", custom="subclassed:RawVariable")
    yield from kinds(HIDDEN_STATE, of, "numpy_state", custom="subclassed:NumpyState")


def _preprocessing() -> Iterator[Kind]:
    of, group = "preprocessing", "StringLookup, IntegerLookup"
    numbers = integers("ids", 0, 4, None, 2, dtype="int64")
    keys = literal("ids", [[11, 22], [33, 11], [5, 22], [33, 33]], None, 2, dtype="int64")
    yield from kinds(group, of, "string_lookup string_lookup_given", WORD)
    yield from kinds(group, of, "string_lookup_inverse", numbers)
    yield from kinds(group, of, "integer_lookup", keys)
    yield from kinds("TextVectorization", of, "text_vectorization tf_idf", TEXT)
    yield from kinds("CategoryEncoding", of, "category_encoding", integers("ids", 0, 5, None, 2))
    yield from kinds("Hashing", of, "hashing", WORD)
    crossed = integers("number", 0, 9, None, 1, dtype="int64")
    yield from kinds("Hashing", of, "hashed_crossing", WORD, crossed)
    yield from kinds("Discretization", of, "discretization", uniform("x", -2.0, 8.0, None, 1))
    yield from kinds("Normalization", of, "normalization_adapted normalization_given")
    bytes_ = integers("image", 0, 256, None, 4, 4, 1, dtype="uint8")
    yield from kinds("Rescaling", of, "rescaling", bytes_)
    yield from kinds(
        "random augmentation", of, "random_flip random_rotation random_pipeline", IMAGE
    )
    yield from kinds("dropout, noise", of, "dropout dropout_seeded gaussian_noise")


def _precision() -> Iterator[Kind]:
    of = "precision"
    for dtype in ("float16", "bfloat16", "float64"):
        yield from kinds(dtype, of, dtype, floats("x", None, 4, dtype=dtype))
    mixed = "mixed_float16 mixed_bfloat16 float32_head"
    yield from kinds("mixed precision", of, mixed)
    yield from kinds("quantized to int8", of, "int8_quantized", floats("x", None, 8))
    group = "bool, uint8 and integer inputs"
    yield from kinds(group, of, "bool_input", literal("mask", MASK, None, 6, dtype="bool"))
    yield from kinds(group, of, "uint8_input", integers("bytes", 0, 256, None, 6, dtype="uint8"))
    big = integers("a", -(2**40), 2**40, None, 2, dtype="int64")
    yield from kinds(group, of, "int64_output", big, integers("b", -9, 9, None, 2))
    colour = literal("colour", WORDS, None, 1)
    yield from kinds(
        "strings and numbers",
        of,
        "mixed_inputs",
        floats("amount", None, 1),
        integers("count", 0, 4, None, 1),
        colour,
    )


def _training() -> Iterator[Kind]:
    of, group = "training", "compiled, any spelling of the loss"
    yield from kinds("not compiled", of, "uncompiled")
    yield from kinds(group, of, "loss_mse loss_full_name loss_class loss_function loss_none")
    yield from kinds(group, of, "loss_dict loss_list")
    group = "trained, with the optimizer's state"
    yield from kinds(group, of, "trained_adam trained_sgd_momentum trained_schedule trained_ema")
    yield from kinds(group, of, "trained_accumulating trained_scaled trained_lion trained_muon")
    yield from kinds(group, of, "trained_without_jit regularized")
    yield from kinds("frozen layers", of, "frozen_before_compile frozen_after_compile")


def _custom() -> Iterator[Kind]:
    of, group = "custom", "custom layer, model"
    yield from kinds(group, of, "custom_layer", custom="objects:Scaled")
    yield from kinds(group, of, "custom_layer_unregistered", custom="objects:UnregisteredScaled")
    yield from kinds(group, of, "custom_layer_nested", custom="objects:Wrapped objects:Scaled")
    yield from kinds(group, of, "custom_layer_saves_itself", custom="objects:Counting")
    yield from kinds(group, of, "custom_model", custom="objects:OwnModel")
    yield from kinds(HIDDEN_STATE, of, "raw_variable_in_layer", custom="objects:RawOffset")
    group = "custom function, initializer, constraint"
    yield from kinds(group, of, "custom_activation", custom="objects:bent")
    yield from kinds(group, of, "custom_activation_unregistered", custom="objects:doubled")
    weights = "objects:Ramp objects:Clipped objects:Pull"
    yield from kinds(group, of, "custom_weights", custom=weights)
    group = "custom loss, metric, schedule"
    yield from kinds(group, of, "custom_loss", custom="objects:WeightedLoss")
    yield from kinds(group, of, "custom_loss_function", custom="objects:cubed")
    yield from kinds(group, of, "custom_metric", custom="objects:LargestError")
    yield from kinds(group, of, "custom_schedule", custom="objects:Halving")
    yield from kinds("Lambda of a named function", of, "lambda_named", custom="objects:doubled")
    yield from kinds(BYTECODE, of, "lambda_lambda lambda_loss")


KINDS = (
    *_structures(),
    *_images(),
    *_sequences(),
    *_operations(),
    *_subclassed(),
    *_preprocessing(),
    *_precision(),
    *_training(),
    *_custom(),
)
