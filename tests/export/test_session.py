from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from routoo.data.errors import BundleError
from routoo.export.bundle import Bundle
from routoo.export.layout import LAYOUT
from routoo.export.session import open_graph


def test_a_graph_of_something_else_is_refused() -> None:
    value = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n_prompts", "length"])
    out = helper.make_tensor_value_info("p_correct", TensorProto.INT64, ["n_prompts", "length"])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["input_ids"], ["p_correct"])], "g", [value], [out]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    with pytest.raises(
        BundleError, match="the graph lacks attention_mask, domain, latency_s, logit_std, output_tokens"
    ):
        open_graph(model.SerializeToString(), threads=1)


@pytest.mark.parametrize("module", ["routoo.export.session", "routoo.export.onnx"])
def test_onnx_runtime_keeps_no_diary_of_its_user(module: str, bundle: Bundle, tmp_path: Path) -> None:
    code = f"""
import importlib, sys
importlib.import_module("{module}")
from pathlib import Path
from routoo.export.session import open_graph
open_graph(Path(sys.argv[1]).read_bytes(), threads=1)
"""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", code, str(bundle.folder / LAYOUT.graph)],
        env={**environment, "HOME": str(tmp_path)},
        check=True,
    )
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]
