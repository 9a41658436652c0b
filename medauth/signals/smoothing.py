"""A filter that keeps the height and the place of peaks, which a moving mean takes from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


def savitzky_golay(values: Curve, window: int = 11, order: int = 2) -> Curve:
    """Least-squares polynomial through each window of evenly spaced values, read at its middle.

    Savitzky & Golay, "Smoothing and Differentiation of Data by Simplified Least Squares Procedures" (Analytical
    Chemistry 1964). Ends repeat their last value; a window that holds a NaN gives NaN.
    """
    if window % 2 == 0 or window <= order:
        raise ValueError(f"window {window} must be odd and above the order {order}")
    half = window // 2
    offsets = np.arange(-half, half + 1)
    weights = np.linalg.pinv(np.vander(offsets, order + 1, increasing=True).astype(np.float64))[0]
    padded = np.concatenate([np.full(half, values[0]), values, np.full(half, values[-1])])
    return np.convolve(padded, weights[::-1], mode="valid")
