"""The same predictions and the same assignment on Ray: `predict` and `assign` over datasets of any size.

It needs extra `ray`; nothing of Ray is loaded before the first call.
"""

from __future__ import annotations

from routoo.ray.assigning import assign, start_workers
from routoo.ray.predicting import predict

__all__ = ["assign", "predict", "start_workers"]
