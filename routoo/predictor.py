"""The trained object: what `train` returns, to look at, to export and to train on."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from routoo.data.costs.derived_pool import derive_pool
from routoo.data.costs.nominal import NominalCosts, nominal_costs
from routoo.data.errors import InputError, MissingExtraError
from routoo.data.outcomes import Outcomes
from routoo.data.pool import Pool, PoolModel
from routoo.data.scores import Scores

if TYPE_CHECKING:
    from routoo.data.chat import Prompt
    from routoo.data.domains import Attributes
    from routoo.data.progress import Progress
    from routoo.export.parity import ParityReport
    from routoo.models.signals.answer_model import AnswerModel
    from routoo.models.training.options import TrainOptions
    from routoo.models.training.trained_network import TrainedNetwork

_TRAINING = ("torch", "transformers", "lightning", "scipy")


@dataclass(frozen=True, eq=False)
class Predictor:
    """A trained predictor of score, cost and latency, on torch.

    For production `export` it to a bundle and load that with `routoo.Router`, which needs no torch.

    Args:
        trained: The network with its text side and its record.
        sample_prompts: Prompts like those to be routed, against which an export is checked.
    """

    trained: TrainedNetwork
    sample_prompts: tuple[str, ...] = ()

    @property
    def pool(self) -> Pool:
        """The models it predicts, with the prices it was trained under."""
        return self.trained.pool

    @property
    def nominal_costs(self) -> NominalCosts:
        """Models whose costs are nominal, since none of their output tokens were recorded; see there."""
        known = self.trained.network.fitted.config.output_tokens
        return nominal_costs(self.pool, self.trained.unrecorded, others=known)

    @property
    def trained_on(self) -> dict[str, Any]:
        """Data, options and seed, as plain JSON values."""
        return self.trained.trained_on

    @property
    def metrics(self) -> dict[str, Any]:
        """Figures of predictions for prompts that were left out, as plain JSON values."""
        return self.trained.metrics

    @property
    def answer_model(self) -> AnswerModel | None:
        """What answers of its models tell, learned where outcomes held answers; else None."""
        return self.trained.answer_model

    def predict(
        self,
        prompts: Iterable[Prompt],
        domains: Iterable[str | None] | None = None,
        attributes: Attributes | None = None,
    ) -> Scores:
        """Predicted score, cost and latency of each model on each prompt.

        Args:
            prompts: Texts or chats, as `Router.predict` takes them.
            domains: Domain of each prompt, where it is known; else it is inferred from the text.
            attributes: Values of attributes that it learned, likewise.

        Raises:
            InputError: There is no prompt, or one is neither text nor chat, or blank, or an attribute was not
                learned or has a value that is neither text, number, truth value nor None.
        """
        return self.trained.predict(prompts, domains, attributes)

    def add_model(
        self, model: PoolModel, outcomes: Outcomes, *, progress: Progress | None = None
    ) -> Predictor:
        """A predictor of one more model, learned from twenty scored prompts or some hundreds, in seconds.

        The weights of the other models stay what they are. Where few prompts leave open what the model is
        like, it is taken to be like those of the pool; where these were scored on the same prompts too, a
        prompt that they found easy or hard counts as that.

        Args:
            model: Its name, as in the outcomes, and its prices.
            outcomes: Scores of the model. Prompts in ``test`` by their split are not looked at. Without a
                split, that of training holds for the prompts that it knows and what is nearly the same; of
                others all are learned from where the outcomes hold the model alone, and some are put into
                ``test`` where they hold models of the pool too.
            progress: Called while the prompts are read.

        Raises:
            InputError: The predictor knows the model, or fewer than 20 prompts are scored.
        """
        from routoo.models.adding.new_model import with_model

        added = with_model(self.trained, _priced(model), _checked(outcomes), progress=progress)
        return self._with(added)

    def remove_model(self, name: str) -> Predictor:
        """A predictor without this model; the others stay what they are.

        Raises:
            InputError: It knows no model of that name, or no other.
        """
        from routoo.models.adding.new_model import without_model

        return self._with(without_model(self.trained, name))

    def with_prices(self, pool: Pool | str | Path) -> Predictor:
        """A predictor with other prices, limits and tags of the same models; nothing is trained.

        Args:
            pool: The same models, in any order; or the TOML file of it.

        Raises:
            InputError: The pool has other models.
        """
        from routoo.models.adding.new_model import with_prices

        return self._with(with_prices(self.trained, _pool(pool, self.pool.names)))

    def distill(
        self,
        outcomes: Outcomes,
        *,
        on_features: Progress | None = None,
        **options: Any,  # fields of TrainOptions, checked there
    ) -> Predictor:
        """A nano predictor for hot paths: it reads words alone, and answers many times as fast as this one.

        Its encoder is this one's table of token vectors. Its heads learn what this one says of every model on
        every prompt, recorded or not; recorded scores say how far to believe them.

        Args:
            outcomes: The outcomes that this one was trained on, or more of the same kind; without a split
                they get the one that it was trained with, whatever `seed` is.
            on_features: Called with how many prompts this one has read, of how many.
            **options: `seed`, `accelerator`, `threads`, `cache_dir` and `progress`, as in `train`; for the
                rest it is trained as this one was.

        Raises:
            InputError: An option or the outcomes cannot be used, or they lack an attribute that was learned.
        """
        from routoo.models.training.nano import ASKED, nano_network

        chosen = _train_options(options, ASKED)
        learned = _checked(outcomes).with_split(keep=self.trained.split)
        attributes = [attribute.name for attribute in self.trained.attributes]
        try:
            learned.attributes(attributes)
        except InputError as error:
            raise InputError(
                f"the predictor learned the attributes {', '.join(attributes)}, and is distilled with them: "
                f"{error}"
            ) from None
        nano = nano_network(self.trained, learned, chosen, progress=on_features)
        return Predictor(nano, _sample_prompts(learned))

    def _with(self, trained: TrainedNetwork) -> Predictor:
        return dataclasses.replace(self, trained=trained)

    def export(self, folder: str | Path, *, int8: bool = True) -> ParityReport:
        """Writes the bundle that `routoo.Router` loads, once its graphs say what the network says.

        Args:
            folder: Where to write, in one step; a bundle that was there is replaced.
            int8: Whether to write the graph with the encoder in int8 too.

        Returns:
            How near the graphs are to the network.

        Raises:
            BundleError: A graph is beyond the tolerance, or the disk is full; what was there before stands.
            MissingExtraError: Extra `train` is not installed.
        """
        from routoo.export.writer import write_bundle

        return write_bundle(self.trained, folder, sample_prompts=self.sample_prompts, int8=int8)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the folder that `from_pretrained` reads back; it has no graphs yet, so no router loads it.

        Raises:
            BundleError: The disk is full; what was there before stands.
        """
        from routoo.export.writer import write_trained

        write_trained(self.trained, folder, sample_prompts=self.sample_prompts)

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Self:
        """The predictor in a folder that `save_pretrained` or `export` wrote, or at the hub.

        Raises:
            BundleError: Nothing is there, or it is broken.
        """
        require_training()
        from routoo.export.bundle import Bundle
        from routoo.export.writer import read_trained

        bundle = Bundle.open(where)
        return cls(read_trained(bundle), bundle.sample_prompts())


def train(
    outcomes: Outcomes,
    pool: Pool | str | Path | None = None,
    *,
    on_features: Progress | None = None,
    **options: Any,  # the fields of TrainOptions, checked there
) -> Predictor:
    """A predictor trained on recorded outcomes, with a progress bar on standard error.

    Prompts in ``train`` and ``val`` are learned from, those in ``val`` by the evidence heads alone where the
    encoder learns; those in ``test`` are never looked at. Outcomes without a split get one that keeps
    near-duplicates together.

    Args:
        outcomes: Recorded outcomes.
        pool: The models to learn, or the TOML file of it; derived from the recorded costs when not given.
        on_features: Called with how many prompts the frozen encoder has read, of how many.
        **options: Fields of `routoo.models.training.options.TrainOptions`: `encoder`, `tune`, `seed`, ...

    Raises:
        InputError: An option, the pool or the outcomes cannot be used.
        MissingExtraError: Extra `train` is not installed.
    """
    require_training()
    from routoo.models.training.options import TrainOptions
    from routoo.models.training.train import train_network

    _checked(outcomes)
    chosen = _train_options(options, {field.name for field in dataclasses.fields(TrainOptions)})
    learned = outcomes.with_split(seed=chosen.seed)
    models = derive_pool(learned) if pool is None else _pool(pool, learned.models)
    trained = train_network(learned, models, chosen, progress=on_features)
    return Predictor(trained, _sample_prompts(learned))


def _train_options(options: dict[str, Any], known: Collection[str]) -> TrainOptions:
    """The record of these options, all of them known ones."""
    from routoo.models.training.options import TrainOptions

    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"unknown options {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    chosen = TrainOptions(**options)
    chosen.refuse_idle()
    return chosen


def _sample_prompts(outcomes: Outcomes) -> tuple[str, ...]:
    return tuple(outcomes.part("val").texts[:64])


def _checked(outcomes: Outcomes) -> Outcomes:
    """The outcomes, where that is what they are."""
    if not isinstance(outcomes, Outcomes):
        raise InputError(
            f"outcomes must be routoo.Outcomes, got {type(outcomes).__name__}; routoo.Outcomes.read(path) "
            "reads them from a file or folder"
        )
    return outcomes


def _priced(model: PoolModel) -> PoolModel:
    """The model with its prices, where that is what it is."""
    if not isinstance(model, PoolModel):
        raise InputError(
            f"a model must be a routoo.PoolModel, its name with its prices; got {type(model).__name__}"
        )
    return model


def _pool(pool: Pool | str | Path, among: Sequence[str]) -> Pool:
    """The pool, or the one in the file of that name; of a published list, these models."""
    if isinstance(pool, Pool):
        return pool
    if not isinstance(pool, str | Path):
        raise InputError(f"a pool must be a routoo.Pool or the path of its file, got {type(pool).__name__}")
    return Pool.read(pool, among=among)


def require_training(purpose: str = "training") -> None:
    """Refuses what needs the training half where it is not installed.

    Raises:
        MissingExtraError: Extra `train` is not installed; the message names the purpose.
    """
    missing = [name for name in _TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"{purpose} needs {', '.join(missing)}: pip install 'routoo[train]'")
