"""The heads of labels: what columns beside the domain say of every model, told or guessed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from routoo.models.network.dense import Dense


class ToldLabels(NamedTuple):
    """What the labels that are known say, in the place of what was guessed of them.

    `row` and `guess` are ``(members, n_prompts, n_models)`` in log-odds, `variance` ``(n_prompts, n_models)``
    is that of the rows; all are 0 for a prompt of which no label is known.
    """

    row: Tensor
    guess: Tensor
    variance: Tensor


class LabelHeads(nn.Module):
    """A head that guesses each label from the text, and a table of its values by models.

    A label that is told stands in for its guess: in its own table and, where the domain is not told, in the
    guess of the domain, by Bayes' rule with the domains that prompts of its value had in training.

    Args:
        members: Heads trained side by side.
        width: Hidden units that are read.
        values: Of each label.
        n_domains: Domains; 0 for none.
        n_models: Models of the pool.
    """

    variance: Tensor
    domain_odds: Tensor

    def __init__(
        self, *, members: int, width: int, values: tuple[int, ...], n_domains: int, n_models: int
    ) -> None:
        super().__init__()
        self.values = values
        self.head = Dense(members, width, sum(values))
        self.table = nn.Parameter(torch.zeros(members, sum(values), n_models))
        self.register_buffer("variance", torch.zeros(sum(values), n_models))
        self.register_buffer("domain_odds", torch.zeros(sum(values), n_domains))

    def guesses(self, h: Tensor) -> tuple[Tensor, ...]:
        """Logits ``(members, n_prompts, n_values)`` of the values of each label, from hidden units."""
        return self.head(h).split(self.values, dim=-1)  # type: ignore[no-any-return]  # nn.Module is untyped

    def guessed(self, logits: tuple[Tensor, ...]) -> Tensor:
        """What the table says of every model by these guesses, ``(members, n_prompts, n_models)``."""
        return torch.bmm(torch.cat([guess.softmax(-1) for guess in logits], -1), self.table)

    def told(self, logits: tuple[Tensor, ...], labels: Tensor) -> ToldLabels:
        """The rows of the labels that are known, and what was guessed of these.

        Args:
            logits: The guesses.
            labels: Number of each prompt's value of each label, ``(n_prompts, n_labels)``; -1 for unknown.
        """
        known = self._known(labels)
        pairs = zip(logits, labels.unbind(1), strict=True)
        guess = torch.cat([said.softmax(-1) * (number >= 0)[:, None] for said, number in pairs], -1)
        row = torch.bmm(known.expand(len(guess), *known.shape), self.table)
        return ToldLabels(row, torch.bmm(guess, self.table), known @ self.variance)

    def domains_told(self, domain_logits: Tensor, labels: Tensor) -> Tensor:
        """Logits of the domains ``(members, n_prompts, n_domains)`` for one who knows the labels too."""
        return domain_logits + self._known(labels) @ self.domain_odds

    def _known(self, labels: Tensor) -> Tensor:
        """One where a prompt has a value, ``(n_prompts, n_values of all labels)``."""
        columns = zip(labels.unbind(1), self.values, strict=True)
        places = [number[:, None] == torch.arange(n, device=labels.device) for number, n in columns]
        return torch.cat(places, -1).float()
