"""Architectures as flowcharts; `tests/benchmarks/mermaid.py` has them drawn by Mermaid itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from artifactbuild.release.diagram import MOST, Box, flowchart, folded, folding

SIGNATURE = [{"name": "x"}], [{"name": "y"}]


def layer(name: str, *inputs: str, kind: str = "Dense", layers: list[Any] | None = None) -> Any:
    return {
        "name": name,
        "kind": kind,
        "output_shape": "(None, 4)",
        "parameters": 1,
        "inputs": list(inputs),
        "layers": layers or [],
    }


def functional(*layers: Any, outputs: tuple[str, ...] = ()) -> Any:
    last = outputs or (layers[-1]["name"],)
    return {"kind": "functional", "layers": list(layers), "outputs": list(last)}


def chain(length: int, start: str, prefix: str = "d") -> list[Any]:
    names = [f"{prefix}{index}" for index in range(length)]
    return [layer(name, before) for name, before in zip(names, [start, *names], strict=False)]


def residual(blocks: int) -> Any:
    """Return a network of blocks of five layers, each beside a shortcut."""
    made = [layer("x", kind="InputLayer")]
    for block in range(blocks):
        before = made[-1]["name"]
        made += chain(4, before, f"b{block}_")
        made.append(layer(f"add{block}", made[-1]["name"], before, kind="Add"))
    return functional(*made)


def edges(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^ +(\w+) --> (\w+)$", text, re.MULTILINE))


def boxes(text: str) -> dict[str, str]:
    return dict(re.findall(r"^ +(\w+)[\[(]+\"(.*)\"[\])]+$", text, re.MULTILINE))


def test_small_model_shows_every_layer_and_edge() -> None:
    made = functional(
        layer("x", kind="InputLayer"),
        layer("left", "x"),
        layer("right", "x"),
        layer("sum", "left", "right", kind="Add"),
    )
    assert flowchart(made, *SIGNATURE) == (
        "flowchart TD\n"
        '    n0(["x<br>(None, 4)"])\n'
        '    n1["left<br>Dense<br>(None, 4)"]\n'
        '    n2["right<br>Dense<br>(None, 4)"]\n'
        '    n3["sum<br>Add<br>(None, 4)"]\n'
        "    n0 --> n1\n"
        "    n0 --> n2\n"
        "    n1 --> n3\n"
        "    n2 --> n3\n"
        '    outputs(["y"])\n'
        "    n3 --> outputs"
    )
    assert folding(made) == ""


def test_sequential_model_gets_its_input() -> None:
    made = {**functional(layer("a"), layer("b", "a")), "kind": "sequential"}
    assert edges(flowchart(made, *SIGNATURE)) == {
        ("inputs", "n0"),
        ("n0", "n1"),
        ("n1", "outputs"),
    }


def test_nested_model_is_one_box_that_says_how_many_layers_it_has() -> None:
    inner = [layer("one"), layer("two"), layer("three")]
    made = functional(
        layer("x", kind="InputLayer"), layer("body", "x", kind="Functional", layers=inner)
    )
    assert boxes(flowchart(made, *SIGNATURE))["n1"] == (
        "body<br>Functional of 3 layers<br>(None, 4)"
    )


def test_subclassed_model_is_one_box_as_its_calls_are_code() -> None:
    made = {"kind": "subclassed", "layers": chain(50, "x"), "outputs": []}
    text = flowchart(made, *SIGNATURE)
    assert edges(text) == set()
    assert "inputs --> model --> outputs" in text
    assert text.count("Dense") == MOST
    assert folding(made).startswith("The model calls its layers in code")


def test_chain_is_folded_and_the_branches_beside_it_are_not() -> None:
    made = functional(
        layer("x", kind="InputLayer"),
        *chain(60, "x"),
        layer("left", "d59"),
        layer("right", "d59"),
        layer("sum", "left", "right", kind="Add"),
    )
    text = flowchart(made, *SIGNATURE)
    found = boxes(text)
    assert found["n1"] == "d0 … d59<br>60 layers#58; 60 × Dense<br>(None, 4)"
    assert list(found.values())[2:5] == [
        "left<br>Dense<br>(None, 4)",
        "right<br>Dense<br>(None, 4)",
        "sum<br>Add<br>(None, 4)",
    ]
    assert folding(made) == "1 box folds 60 of the 64 layers."


def test_residual_network_is_folded_block_by_block() -> None:
    made = residual(30)
    found = [text for name, text in boxes(flowchart(made, *SIGNATURE)).items() if name[0] == "n"]
    assert len(found) == 31
    assert found[1] == "b0_0 … add0<br>5 layers#58; 4 × Dense, Add<br>(None, 4)"
    assert folding(made) == "30 boxes fold 150 of the 151 layers."


def skipping(length: int) -> Any:
    """Return a network in which every layer also hears the one before the last."""
    made = [layer("x", kind="InputLayer"), layer("d0", "x")]
    for index in range(1, length):
        made.append(layer(f"d{index}", made[-1]["name"], made[-2]["name"]))
    return functional(*made)


def towers(count: int, length: int) -> Any:
    made = [layer("x", kind="InputLayer")]
    for tower in range(count):
        made += chain(length, "x", f"t{tower}_")
    ends = [f"t{tower}_{length - 1}" for tower in range(count)]
    return functional(*made, layer("join", *ends, kind="Concatenate"))


@pytest.mark.parametrize(
    "made",
    [residual(300), skipping(200), towers(60, 3), towers(3, 60), functional(*chain(500, "d0"))],
    ids=["residual", "skipping", "many towers", "high towers", "chain"],
)
def test_any_model_is_drawn_with_few_boxes_without_a_cycle_and_with_all_its_layers(
    made: Any,
) -> None:
    found = folded([Box(layers=(each,)) for each in made["layers"]])
    assert 1 <= len(found) <= MOST
    names = [each["name"] for box in found for each in box.layers]
    assert sorted(names) == sorted(each["name"] for each in made["layers"])
    order = {name: index for index, box in enumerate(found) for name in box.names}
    assert all(order[name] < i for i, box in enumerate(found) for name in box.sources)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("end", "end"),
        ('a"b', "a#34;b"),
        ("a[b](c){d}", "a#91;b#93;(c)#123;d#125;"),
        ("<script>", "#60;script#62;"),
        ("#quot;", "#35;quot#59;"),
        ("`code`", "#96;code#96;"),
        ("%%{init: {}}%%", "#37;#37;#123;init#58; #123;#125;#125;#37;#37;"),
        ("$$x$$", "#36;#8203;#36;x#36;#8203;#36;"),
        ("a\\nb", "a#92;#8203;nb"),
        ("1. first", "1#46; first"),
        ("two\nlines", "two lines"),
        ("naïve 漢字", "naïve 漢字"),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_name_is_shown_as_it_is_whatever_it_means_to_mermaid(name: str, shown: str) -> None:
    made = functional(layer("x", kind="InputLayer"), layer(name, "x"))
    assert boxes(flowchart(made, *SIGNATURE))["n1"] == f"{shown}<br>Dense<br>(None, 4)"
