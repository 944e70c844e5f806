"""What the vector of a message says: Gaussian kernel ridge regression over the sentences' vectors.

Called by `mobilis.nlu.classifier`; knows nothing of Rasa.
"""

from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from mobilis.nlu.gradients import Times, conjugate_gradients

STEPS = 12  # of conjugate gradients, after which rankings stay
LANDMARKS = 1000  # training vectors by which the rough inverse knows the others
_CONTRIB = "com.microsoft"


class VectorModel:
    """Sentence vectors to scores of labels. The weights of the training vectors solve ridge
    regression nearly, by steps that begin the same way each time: training is deterministic, and
    takes as long as the square of their number, not its third power.

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
        rows = self._products.rows()
        kernel = self._kernel(rows @ rows.T)
        kernel[np.diag_indices_from(kernel)] += self.ridge

        def matrix(weights: np.ndarray) -> np.ndarray:
            pushed: np.ndarray = (weights.T @ kernel).T  # it is symmetric: so it is read row by row
            return pushed

        inverse = _rough_inverse(kernel, self.ridge)
        self._weights = conjugate_gradients(matrix, targets, STEPS, inverse)
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

    def _kernel(self, products: np.ndarray) -> np.ndarray:
        """How alike vectors of length 1 are, from 0 to 1, in the place of their products."""
        products -= 1
        products *= 2 * self.width
        return np.exp(products, out=products)


def _rough_inverse(kernel: np.ndarray, ridge: float) -> Times:
    """What nearly undoes `kernel`, which has `ridge` on its diagonal: the inverse of what landmarks
    tell of it (Nyström), by the formula of Woodbury, with what they leave out spread evenly."""
    count = len(kernel)
    landmarks = np.unique(np.linspace(0, count - 1, min(count, LANDMARKS)).astype(int))
    factor = np.linalg.cholesky(kernel[np.ix_(landmarks, landmarks)])
    told = solve_triangular(factor, kernel[landmarks], lower=True, check_finite=False)
    left_out = max(float(np.mean(1 - (told * told).sum(axis=0))), 0.0) + ridge
    square = told @ told.T
    square[np.diag_indices_from(square)] += left_out
    inner = cho_factor(square, overwrite_a=True, check_finite=False)

    def inverse(left: np.ndarray) -> np.ndarray:
        eased: np.ndarray = left - told.T @ cho_solve(inner, told @ left, check_finite=False)
        return eased / left_out

    return inverse


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
