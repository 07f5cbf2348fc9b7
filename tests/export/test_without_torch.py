"""The serving half in an interpreter that cannot import the training half."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime

_HEAVY = (
    "torch",
    "transformers",
    "lightning",
    "onnx",
    "onnxscript",
    "safetensors",
    "sklearn",
    "polars",
    "scipy",
)

_BLOCKED = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_HEAVY!r}:
            raise ImportError(f"{{name}} is not installed here")

sys.meta_path.insert(0, Blocker())
"""


def run(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_bundle_is_loaded_and_predicts_without_torch(bundle: Bundle) -> None:
    prompts = ["2 + 2?", "Why is the sky blue?"]
    code = f"""{_BLOCKED}
import json
from routoo.export.bundle import Bundle
from routoo.export.runtime import Runtime
try:
    import torch
except ImportError as error:
    assert "not installed here" in str(error)
else:
    raise SystemExit("torch was to be blocked")
scores = Runtime(Bundle.open(sys.argv[1])).predict({prompts!r})
print(json.dumps([scores.p_correct.tolist(), scores.cost_usd.tolist()]))
"""
    p, cost = json.loads(run(code, str(bundle.folder)))
    expected = Runtime(bundle).predict(prompts)
    np.testing.assert_array_equal(np.array(p, np.float32), expected.p_correct)
    np.testing.assert_array_equal(np.array(cost, np.float32), expected.cost_usd)


def test_importing_the_runtime_imports_nothing_heavy() -> None:
    code = "import sys, routoo.export.runtime; print(*{name.partition('.')[0] for name in sys.modules})"
    assert not set(run(code).split()).intersection({*_HEAVY, "cvxpy", "huggingface_hub"})
