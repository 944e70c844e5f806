"""What the vector of a message says: Gaussian kernel ridge regression over the sentences' vectors.

Called by `mobilis.nlu.classifier`; knows nothing of Rasa.
"""

from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

BLOCK = 2048  # training vectors that are compared at once with those before them
_CONTRIB = "com.microsoft"


class VectorModel:
    """Sentence vectors to scores of labels. The weights of the training vectors are the closed form
    of ridge regression, so that training is deterministic.

    Args:
        ridge: how much of each training text is taken for noise.
        width: how fast likeness falls with the squared distance.
    """

    def __init__(self, ridge: float = 0.04, width: float = 0.9) -> None:
        self.ridge = ridge
        self.width = width

    def fit(self, vectors: np.ndarray, targets: np.ndarray) -> "VectorModel":
        """Learn from `vectors` of shape (n, dimension) the scores that each should have, of shape
        (n, labels)."""
        self._centre = vectors.mean(axis=0)
        self._products = Products(self._centred(vectors))
        kernel = self._likeness(self._products.rows())
        kernel[np.diag_indices_from(kernel)] += self.ridge
        # Columns for rows: so LAPACK takes it without a copy.
        factor = cho_factor(kernel.T, lower=False, overwrite_a=True, check_finite=False)
        self._weights = cho_solve(factor, targets, check_finite=False)
        return self

    def fits(self, vector: np.ndarray) -> bool:
        """Whether the vector can be of the encoder that was learned with."""
        return bool(vector.shape == self._centre.shape)

    def scores(self, vector: np.ndarray) -> np.ndarray:
        """The scores of a vector of shape (dimension,), of shape (labels,)."""
        scores: np.ndarray = self._kernel(self._products.of(self._centred(vector[None])))[0]
        return scores @ self._weights

    def _centred(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors around the mean of training, of length 1: the encoder's lie in a narrow cone."""
        centred = vectors - self._centre
        unit: np.ndarray = centred / np.maximum(np.linalg.norm(centred, axis=1), 1e-9)[:, None]
        return unit.astype(np.float32)

    def _likeness(self, vectors: np.ndarray) -> np.ndarray:
        """How alike the training vectors are, of shape (n, n): of two the later one's row has it,
        and what is above the diagonal means nothing."""
        count = len(vectors)
        kernel = np.zeros((count, count), dtype=np.float32)
        for start in range(0, count, BLOCK):
            end = min(start + BLOCK, count)
            rows = kernel[start:end, :end]
            self._kernel(np.matmul(vectors[start:end], vectors[:end].T, out=rows))
        return kernel

    def _kernel(self, products: np.ndarray) -> np.ndarray:
        """How alike vectors of length 1 are, from 0 to 1, in the place of their products."""
        products -= 1
        products *= 2 * self.width
        return np.exp(products, out=products)


class Products:
    """The rows of `vectors`, of shape (n, dimension) and at most 1 long, each as 8-bit integers
    with one scale: these come through memory in a seventh of the time of floats. What is learned
    from them must be learned from `rows`, and then loses nothing; learned from the floats, it would
    be wrong by what the integers leave out of each.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        longest = np.abs(vectors).max(axis=1, initial=0.0)
        self._scales = np.maximum(longest / 127, 1e-9).astype(np.float32)
        self._integers = np.round(vectors / self._scales[:, None]).astype(np.int8).T.copy()
        self._session: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None}  # made again where it is used

    def rows(self) -> np.ndarray:
        """The vectors as the integers have them."""
        rows: np.ndarray = (self._integers * self._scales).T
        return np.ascontiguousarray(rows)

    def of(self, vector: np.ndarray) -> np.ndarray:
        """The products of a vector, of shape (1, dimension), with each row; of shape (1, n)."""
        if self._session is None:
            self._session = _session(self._integers, self._scales)
        products: np.ndarray = self._session.run(None, {"vector": vector})[0]
        return products


def _session(integers: np.ndarray, scales: np.ndarray) -> Any:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    inputs = ["vector", "integers", "scales"]
    product = helper.make_node("DynamicQuantizeMatMul", inputs, ["products"], domain=_CONTRIB)
    dimension, count = integers.shape
    graph = helper.make_graph(
        [product],
        "products",
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, dimension])],
        [helper.make_tensor_value_info("products", TensorProto.FLOAT, [1, count])],
        [numpy_helper.from_array(integers, "integers"), numpy_helper.from_array(scales, "scales")],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_CONTRIB, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
