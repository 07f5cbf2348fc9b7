import torch

from routoo.models.network.heads import HeadOutputs
from routoo.models.network.lightning import router_loss
from routoo.models.regret import mean_regret
from routoo.models.training.options import TrainOptions

COSTS = torch.tensor([1e-6, 1e-5, 1e-4])


def test_good_predictions_lose_less_than_bad_ones() -> None:
    torch.manual_seed(0)
    score = torch.randint(0, 2, (200, 3)).float()
    right = mean_regret(score[None], score, COSTS)
    wrong = mean_regret(1 - score[None], score, COSTS)
    assert 0 <= right < 0.05 < wrong


def test_its_slope_makes_better_choices() -> None:
    torch.manual_seed(0)
    score = torch.tensor([[0.0, 1.0, 0.0]]).expand(500, 3)
    guess = torch.full((1, 500, 3), 0.5, requires_grad=True)
    mean_regret(guess, score, COSTS).backward()  # type: ignore[no-untyped-call]  # torch
    assert guess.grad is not None
    slope = guess.grad.sum((0, 1))
    assert slope[1] < 0 < slope[2]


def test_what_is_missing_is_not_chosen_from() -> None:
    score = torch.tensor([[0.2, torch.nan, 0.2], [torch.nan] * 3])
    guess = torch.tensor([[[0.2, 1.0, 0.2], [0.5, 0.5, 0.5]]], requires_grad=True)
    lost = mean_regret(guess, score, COSTS)
    lost.backward()  # type: ignore[no-untyped-call]  # torch
    assert guess.grad is not None
    assert lost.isfinite()
    assert guess.grad.isfinite().all()
    assert guess.grad[0, 0, 1] == 0


def test_nothing_is_lost_where_costs_are_alike_or_nothing_is_known() -> None:
    guess = torch.full((1, 2, 3), 0.5)
    assert mean_regret(guess, torch.ones(2, 3), torch.ones(3)) == 0
    assert mean_regret(guess, torch.full((2, 3), torch.nan), COSTS) == 0


def test_it_is_part_of_the_loss_where_it_is_asked_for() -> None:
    options = TrainOptions(utility_weight=2.0)
    score = torch.tensor([[0.0, 1.0, 0.0]])
    outputs = HeadOutputs(torch.zeros(4, 1, 3), None, None, None)
    without = router_loss(outputs, {"score": score}, options)
    torch.manual_seed(0)
    with_it = router_loss(outputs, {"score": score, "mean_cost": COSTS}, options)
    torch.manual_seed(0)
    lost = mean_regret(torch.full((4, 1, 3), 0.5), score, COSTS)
    torch.testing.assert_close(with_it - without, 4 * 2.0 * lost)
