"""Which costs are nominal is said in words: for whom, why, and what to do."""

from routoo.data.costs.nominal import nominal_costs, nominal_remark
from routoo.data.pool import Pool, PoolModel

POOL = Pool(
    (
        PoolModel(name="plain", usd_per_1m_input=1, usd_per_1m_output=2),
        PoolModel(name="stated", usd_per_1m_input=1, usd_per_1m_output=2, output_tokens=400),
        PoolModel(name="by the call", usd_per_1m_input=0, usd_per_1m_output=0, usd_per_call=0.1),
    )
)


def test_the_pool_says_what_a_call_counts_else_the_others_else_a_hundred() -> None:
    found = nominal_costs(POOL, POOL.names, others=False)
    assert found == {"plain": "100 output tokens", "stated": "400 output tokens, as the pool states"}
    assert nominal_costs(POOL, ["plain"], others=True) == {
        "plain": "as many output tokens as the other models use"
    }
    assert nominal_costs(POOL, [], others=True) == {}


def test_a_remark_puts_models_together_that_are_costed_alike() -> None:
    assert nominal_remark({}) is None
    remark = nominal_remark({"a": "100 output tokens", "b": "400 output tokens", "c": "100 output tokens"})
    assert remark == (
        "costs are nominal: no output tokens of a, b, c were recorded, so that a call of a, c counts 100 "
        "output tokens; a call of b counts 400 output tokens; record them, or state output_tokens in the pool"
    )
