"""The model card of a bundle: what a person at the Hugging Face hub reads first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from routoo.data.costs.nominal import nominal_remark
from routoo.data.domains import Attribute
from routoo.data.pool import PoolModel
from routoo.export.description import BundleDescription
from routoo.export.parity import Agreement, ParityReport
from routoo.models.signals.answer_model import AnswerModel

_USE = """\
```python
import routoo

router = routoo.Router.from_pretrained("path/or/hub-id")
choice = router.select("What is the capital of Australia?", max_cost_usd=0.002)
plan = router.assign(prompts, budget_usd=5.0)
```"""


def model_card(description: BundleDescription, parity: ParityReport | None) -> str:
    """The card in Markdown, with the front matter of the hub; before an export there is no parity."""
    trained_on = description.trained_on
    lines = [
        "---",
        *_front_matter(trained_on),
        "---",
        "",
        f"# A router over {len(description.pool)} models",
        "",
        "For every prompt this predicts the probability that each model answers it correctly, and what that",
        "will cost, so that routoo can choose. It runs on ONNX Runtime and needs no torch.",
        "",
        _USE,
        "",
        "## Pool",
        "",
        "Prices in USD per million tokens when this was trained; other prices need no training.",
        "",
        "| model | input | output |",
        "| --- | ---: | ---: |",
        *map(_pool_row, description.pool.models),
        "",
        "## Trained on",
        "",
        *(f"- {_cell(key)}: {_cell(_plain(value))}" for key, value in _said(trained_on).items()),
        f"- output tokens: {'predicted' if description.output_tokens_known else 'never recorded'}",
        *([f"- costs: {_cell(remark)}"] if (remark := nominal_remark(description.nominal_costs())) else []),
        f"- latency: {'predicted' if description.latency_known else 'never recorded'}",
        f"- answers: {_cell(_answers(description.answer_model))}",
        f"- text read of a prompt: up to {description.policy.max_tokens} tokens, from its head and its tail",
        "",
        *_attributes_section(description),
        *(_parity_section(parity) if parity is not None else []),
    ]
    return "\n".join(lines)


def _answers(known: AnswerModel | None) -> str:
    """What was learned of answers, in words."""
    if known is None:
        return "never recorded; what they tell is not known"
    read = f"by {', '.join(known.signals)} and by" if known.signals else "by"
    return f"{read} agreement of models, on {known.observation.n_prompts:,} prompts"


def _attributes_section(description: BundleDescription) -> list[str]:
    """Domains and attributes that were learned, and how a router takes them; nothing where none were."""
    learned = [
        *([f"- domain: {_cell(', '.join(description.domains))}"] if description.domains else []),
        *(
            f"- attribute {_cell(attribute.name)}: {_cell(_values(attribute))}"
            for attribute in description.attributes
        ),
    ]
    if not learned:
        return []
    return [
        "## Domains and attributes",
        "",
        "`router.select(prompt, domain=..., attributes={...})` takes what is known of a prompt; the rest is",
        "inferred from its text.",
        "",
        *learned,
        "",
    ]


def _values(attribute: Attribute) -> str:
    return ", ".join(attribute.values) + (" and all others" if attribute.rest else "")


def _parity_section(parity: ParityReport) -> list[str]:
    return [
        "## Exported graphs against the network",
        "",
        f"`p_correct` of {parity.prompts} prompts of {parity.lengths[0]} to {parity.lengths[1]} tokens.",
        "Choices are those at a price where the dearest model must gain 0.1 on the cheapest; what changed",
        "ones lose is in score, less price times cost, a prompt.",
        "",
        "| graph | mean off | most off | choices changed | lost by it |",
        "| --- | ---: | ---: | ---: | ---: |",
        _parity_row("float32", parity.fp32),
        *([_parity_row("int8", parity.int8)] if parity.int8 is not None else []),
        "",
        *(line for warning in parity.warnings() for line in (f"Note: {_cell(warning)}.", "")),
    ]


def _front_matter(trained_on: Mapping[str, Any]) -> list[str]:
    lines = [
        "library_name: routoo",
        "pipeline_tag: text-classification",
        "tags: [routoo, llm-routing, onnx]",
    ]
    encoder = trained_on.get("encoder")
    if isinstance(encoder, str) and "/" in encoder:
        lines.append(f"base_model: {json.dumps(encoder)}")
    return lines


def _said(trained_on: Mapping[str, Any]) -> dict[str, Any]:
    """The record for people: a nano predictor has but the token vectors of the encoder that it names."""
    said = dict(trained_on)
    if "teacher" in said and "encoder" in said:
        said["encoder"] = f"token vectors of {said['encoder']} alone, distilled from a predictor on all of it"
    return said


def _pool_row(model: PoolModel) -> str:
    return f"| {_cell(model.name)} | {model.usd_per_1m_input:g} | {model.usd_per_1m_output:g} |"


def _parity_row(name: str, found: Agreement) -> str:
    changed, lost = found.choices_changed["0.1"], found.value_lost["0.1"]
    return f"| {name} | {found.p_mean:.1e} | {found.p_max:.1e} | {changed:.1%} | {lost:.1e} |"


def _plain(value: Any) -> str:  # any JSON value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    """Text that can neither break a table nor open a tag."""
    for sign, code in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("\r", " "), ("\n", " ")):
        text = text.replace(sign, code)
    return text
