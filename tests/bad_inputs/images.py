"""Tables of images that are not what the config says, and layers that do not fit images."""

from __future__ import annotations

from bad_inputs.case import Case

SIDE = 3
NAMES = [f"p{i}" for i in range(1, SIDE * SIDE + 1)]


def pixels(row: int) -> list[str]:
    """The pixels of a row; the first one is 0 in all."""
    return ["0", *(str((row * 7 + i * 31) % 256) for i in range(1, SIDE * SIDE))]


def table(names: list[str] = NAMES, more: str = "", cells: dict[tuple[int, str], str] = {}) -> str:  # noqa: B006
    """Twenty images of two classes, with one more column, and other cells on some lines."""
    lines = [",".join([*names, *([more] if more else []), "y"])]
    for row in range(20):
        values = dict(zip(NAMES, pixels(row), strict=True))
        values |= {name: cell for (line, name), cell in cells.items() if line == row + 2}
        extra = [str(row / 2)] if more else []
        lines.append(",".join([*(values[name] for name in names), *extra, "ab"[row % 2]]))
    return "\n".join(lines) + "\n"


def config(
    image: str = "height: 3, width: 3", data: str = "", network: str = "[{conv2d: 2}, flatten]"
) -> str:
    """A config of images."""
    return (
        f"data: {{path: t.csv, target: y{data}}}\ninput: {{image: {{{image}}}}}\n"
        f"network: {network}\nepochs: 1\n"
    )


def image(
    name: str, id: str, exit: int, *says: str, given: str = config(), text: str = table()
) -> Case:
    """A case of `train`."""
    return Case(name, id, exit, says, "train c.yaml", {"c.yaml": given, "t.csv": text})


CASES: list[Case] = [
    image(
        "a wrong number of pixels",
        "BP-D074",
        4,
        "t.csv",
        "9 columns = 3×3×1, you said 4×4×1 = 16",
        given=config("height: 4, width: 4"),
    ),
    image(
        "a pattern that finds no column",
        "BP-D074",
        4,
        "0 columns, you said 3×3×1 = 9",
        "p1, p2",
        given=config("height: 3, width: 3, columns: 'pixel*'"),
    ),
    image(
        "a pixel that is no column",
        "BP-D074",
        4,
        "'q9'",
        given=config(f"height: 3, width: 3, columns: [{', '.join(NAMES[:-1])}, q9]"),
    ),
    image(
        "a number beside the image",
        "BP-D075",
        4,
        "'age'",
        "data.columns: {age: drop}",
        given=config("height: 3, width: 3, columns: 'p*'"),
        text=table(more="age"),
    ),
    image("a missing pixel", "BP-D076", 4, "'p4'", "line 7", text=table(cells={(7, "p4"): ""})),
    image("a pixel of text", "BP-D016", 4, "'p4'", "line 7", text=table(cells={(7, "p4"): "x"})),
    image(
        "pixels in another order",
        "BP-D121",
        0,
        "order of their numbers: p1, p2, p3",
        text=table(NAMES[::-1]),
    ),
    image(
        "pixels that are dark", "BP-D122", 0, "255", given=config("height: 3, width: 3, scale: 1e4")
    ),
    image(
        "a network for images without any",
        "BP-C040",
        3,
        "c.yaml:2:10: network",
        "resnet is a network for images",
        "input: {image:",
        given="data: {path: t.csv, target: y}\nnetwork: resnet\n",
    ),
    image(
        "a layer for images behind flat rows",
        "BP-C040",
        3,
        "layer 3: max_pool needs images",
        given=config(network="[{conv2d: 2}, flatten, max_pool]"),
    ),
    image(
        "a dense layer behind an image",
        "BP-C040",
        3,
        "layer 2: dense needs flat rows, not images 3×3×2",
        "flatten",
        given=config(network="[{conv2d: 2}, {dense: 3}]"),
    ),
    image(
        "a convolution without images",
        "BP-C040",
        3,
        "layer 1: conv2d needs images",
        "input: {image:",
        given="data: {path: t.csv, target: y}\nnetwork: [{conv2d: 2}]\n",
    ),
    image(
        "an embedding of pixels",
        "BP-C068",
        3,
        "preprocess.numeric_embedding",
        given=config() + "preprocess: {numeric_embedding: periodic}\n",
    ),
    image(
        "clusters of images",
        "BP-C069",
        3,
        "input",
        given="data: {path: t.csv}\ntask: clustering\nloss: {kmeans: 2}\n"
        "input: {image: {height: 3, width: 3}}\nepochs: 1\n",
    ),
]
