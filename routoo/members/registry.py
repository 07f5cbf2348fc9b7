"""The members of a pool, made of how it says each model is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from routoo.data.answers import Answers
from routoo.data.call import Call
from routoo.data.checks.arguments import record
from routoo.data.errors import InputError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.members.limiter import Limiter
from routoo.members.member import Member
from routoo.members.recorded import RecordedModel

OnRemark = Callable[[str], None]

_EXAMPLE = """\
[[model]]
name = "{name}"
[model.call]
kind = "provider"
model = "openai/gpt-4o-mini\""""

Account = tuple[object, ...]
"""What members have in common that share the limits of an account."""


def members_of(
    pool: Pool,
    *,
    names: Iterable[str] | None = None,
    answers: Answers | Outcomes | None = None,
    on_remark: OnRemark | None = None,
) -> dict[str, Member]:
    """The members that answer for models of a pool, by name.

    Models of one account at a provider share its limits, where the pool says the same of them.

    Args:
        pool: The models, each with its `call`.
        names: Those that are wanted; all of the pool when not given.
        answers: A record in the place of calls: every member replays what is recorded of it.
        on_remark: Called with what a user may want to know, such as costs that are not known.

    Raises:
        InputError: A model has no `call`, or one that cannot be used; the message says what to write.

    >>> import polars as pl
    >>> pool = Pool((PoolModel(name="small", usd_per_1m_input=0.1, usd_per_1m_output=0.4),))
    >>> rows = {"prompt_id": ["q"], "model": ["small"], "answer": ["4"]}
    >>> members_of(pool, answers=Answers(pl.DataFrame(rows)))["small"].name
    'small'
    """
    wanted = record("pool", pool, Pool) if names is None else pool.select(names)
    if answers is not None:
        return {name: RecordedModel(name, answers) for name in wanted.names}
    if tiers := [model.name for model in wanted.models if model.batch_window_s is not None]:
        raise InputError(
            f"{', '.join(tiers)} {'is' if len(tiers) == 1 else 'are'} asked by files, and not at once: "
            "`routoo batch write` writes them, or take a pool without batch tiers"
        )
    if uncalled := [model.name for model in wanted.models if model.call is None]:
        raise InputError(
            f"the pool does not say how {', '.join(uncalled)} is called; write below the prices, say\n"
            + _EXAMPLE.format(name=uncalled[0])
        )
    limiters: dict[Account, Limiter] = {}
    records: dict[str, Answers | Outcomes] = {}
    return {
        model.name: _member(model, model.call, limiters, records, on_remark)
        for model in wanted.models
        if model.call is not None
    }


def _member(
    model: PoolModel,
    call: Call,
    limiters: dict[Account, Limiter],
    records: dict[str, Answers | Outcomes],
    on_remark: OnRemark | None,
) -> Member:
    if call.kind == "recorded":
        if call.model not in records:
            records[call.model] = read_record(Path(call.model))
        return RecordedModel(model.name, records[call.model])
    if call.kind == "local":
        from routoo.members.local import LocalModel

        return LocalModel(model)
    from routoo.members.provider import ProviderModel

    limiter = limiters.setdefault(account_of(model), Limiter.of(model, on_remark=on_remark))
    return ProviderModel(model, limiter=limiter, on_remark=on_remark)


def read_record(path: Path) -> Answers | Outcomes:
    """The record at a path: a Parquet file of answers, or outcomes in any form (`Outcomes.read`).

    Raises:
        InputError: It is neither.
    """
    if path.is_dir():
        return Outcomes.read(path)
    try:
        return Answers.read(path)
    except InputError as refused:
        try:
            return Outcomes.read(path)
        except InputError:
            raise refused from None


def account_of(model: PoolModel) -> Account:
    """What members must have in common to share limits: a provider limits each of its models for itself."""
    limits = (
        *(model.requests_per_minute, model.tokens_per_minute, model.concurrency),
        *(model.requests_per_day, model.tokens_per_day, model.batch_window_s),
    )
    call = model.call
    return (model.name,) if call is None else (call.model, call.api_base, call.api_key_env, *limits)
