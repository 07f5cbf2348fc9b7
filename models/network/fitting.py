"""One run of Lightning's trainer: epochs, checkpoints, interruption, and the best epoch put back."""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    RichProgressBar,
)

from routoo.data.errors import InputError
from routoo.data.foreign import library_errors
from routoo.models.encoder.features import has_native_bf16, uses_gpu
from routoo.models.network.lightning import PromptData, RouterModule, Validation
from routoo.models.network.network import RouterNetwork
from routoo.models.training.options import TrainOptions

_LAST = "last"
_PARTS = {"state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks", "epoch"}
"""What a checkpoint holds beside other things."""


@dataclass(frozen=True)
class Fitted:
    """How fitting went.

    Args:
        history: Loss and routing utility on validation after each epoch.
        epochs: Epochs behind the weights that were kept.
    """

    history: list[dict[str, float]]
    epochs: int


def fit_network(
    network: RouterNetwork,
    data: PromptData,
    validation: Validation | None,
    options: TrainOptions,
    run_id: str,
    *,
    epochs: int | None = None,
) -> Fitted:
    """How the epochs went; the network is left with the weights of the one that was kept.

    Args:
        network: What learns.
        data: Training and validation prompts.
        validation: What routing utility is measured with; None to validate nothing and keep the last epoch.
        options: See `TrainOptions`.
        run_id: Folder of this run's checkpoints inside `checkpoint_dir`.
        epochs: Epochs after which to stop, on the rates that `options.epochs` sets; all of them otherwise.

    Raises:
        InputError: The checkpoint to go on from is damaged.
        KeyboardInterrupt: The run was interrupted; the checkpoint folder has the last whole epoch.
    """
    steps = options.epochs * math.ceil(len(data.fitting) / options.batch_size)
    module = RouterModule(network, validation, options, steps)
    best = _BestEpoch(options.monitor)
    callbacks: list[Callback] = [] if validation is None else [best]
    if validation is not None and options.monitor != "last":
        patience = EarlyStopping(
            **_monitor(options), patience=options.patience, check_on_train_epoch_end=False, check_finite=False
        )
        callbacks.append(patience)
    resume_from = None
    if options.checkpoint_dir is not None:
        folder = options.checkpoint_dir / run_id
        callbacks.append(
            ModelCheckpoint(
                folder, filename=_LAST, enable_version_counter=False, save_on_train_epoch_end=True
            )
        )
        last = folder / f"{_LAST}.ckpt"
        if options.resume and last.is_file():
            _check_checkpoint(last)
            resume_from = str(last)
    if options.progress:
        callbacks.append(RichProgressBar(console_kwargs={"stderr": True}, leave=False))
    with _quiet(), _interruptible():
        trainer = _trainer(
            options, callbacks, epochs=epochs or options.epochs, validated=validation is not None
        )
        trainer.fit(module, datamodule=data, ckpt_path=resume_from, weights_only=True)
    if validation is None:
        return Fitted([], trainer.current_epoch)
    best.restore(module)
    return Fitted(best.history, best.epoch + 1)


def _trainer(options: TrainOptions, callbacks: list[Callback], *, epochs: int, validated: bool) -> L.Trainer:
    """Lightning's trainer.

    Raises:
        InputError: Lightning cannot use the accelerator.
    """
    try:
        return L.Trainer(
            max_epochs=epochs,
            limit_val_batches=None if validated else 0,
            accelerator=options.accelerator,
            devices=1,
            precision=_precision(options),
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=options.checkpoint_dir is not None,
            enable_model_summary=False,
            enable_progress_bar=options.progress,
            num_sanity_val_steps=0,
            gradient_clip_val=1.0,
            log_every_n_steps=1,
        )
    except (ValueError, MisconfigurationException) as error:
        raise InputError(f"accelerator {options.accelerator!r} cannot be used: {error}") from None


def _check_checkpoint(path: Path) -> None:
    """Refuses a checkpoint that is damaged, or is none of Lightning's; nothing in it is executed."""
    words = f"{path} is damaged: remove it to train from the start; it cannot be resumed"
    with library_errors(InputError, words), zipfile.ZipFile(path) as archive:
        if (part := archive.testzip()) is not None:
            raise InputError(f"{words}: {part} is not what was written")
        found = torch.load(path, weights_only=True, map_location="cpu")
    if not isinstance(found, dict) or not set(found) >= _PARTS:
        raise InputError(f"{words}: it lacks {', '.join(sorted(_PARTS))}")


def _monitor(options: TrainOptions) -> dict[str, Any]:
    return {"monitor": f"val_{options.monitor}", "mode": "max" if options.monitor == "utility" else "min"}


def _precision(options: TrainOptions) -> Any:  # Lightning's literal of a dozen names
    """bfloat16 for a trunk that learns, where the processor has it; heads alone take float32."""
    native = torch.cuda.is_bf16_supported() if uses_gpu(options.accelerator) else has_native_bf16()
    return "bf16-mixed" if native and options.tune != "frozen" else "32-true"


class _BestEpoch(Callback):
    """Keeps the weights of the epoch that `monitor` asks for; its state travels in checkpoints.

    By loss, that is the last epoch that is within one standard error of the least: among epochs that
    validation cannot tell apart, the one whose rate has come further down.
    """

    def __init__(self, monitor: str) -> None:
        self.last = monitor == "last"
        self.key = "val_loss" if self.last else f"val_{monitor}"
        self.sign = 1.0 if monitor == "utility" else -1.0
        self.value = -math.inf
        self.losses: npt.NDArray[np.float64] = np.zeros(0)
        self.epoch = -1
        self.weights: dict[str, torch.Tensor] = {}
        self.history: list[dict[str, float]] = []

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Compares the epoch that ended with the best one so far."""
        assert isinstance(pl_module, RouterModule)  # for the type checker: `_fit` passes nothing else
        self.history += pl_module.history
        pl_module.history.clear()
        value = self.sign * float(trainer.callback_metrics[self.key])
        better = value > self.value or self.last
        if better:
            self.value, self.losses = value, pl_module.prompt_losses
        if better or (self.key == "val_loss" and _alike(pl_module.prompt_losses, self.losses)):
            self.epoch = trainer.current_epoch
            learned = {name for name, p in pl_module.network.named_parameters() if p.requires_grad}
            state = pl_module.network.state_dict()
            self.weights = {name: state[name].detach().cpu().clone() for name in learned}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "value": self.value,
            "losses": torch.from_numpy(self.losses),
            "epoch": self.epoch,
            "weights": self.weights,
            "history": self.history,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What a checkpoint gives back."""
        self.value, self.weights = state_dict["value"], state_dict["weights"]
        self.losses, self.epoch = state_dict["losses"].numpy(), state_dict["epoch"]
        self.history = state_dict["history"]

    def restore(self, module: RouterModule) -> None:
        """Puts the best weights back."""
        module.network.load_state_dict(self.weights, strict=False)


def _alike(losses: npt.NDArray[np.float64], least: npt.NDArray[np.float64]) -> bool:
    """Whether losses, one a prompt, exceed the least ones by no more than a standard error."""
    more = losses - least
    return bool(more.mean() <= more.std() / math.sqrt(len(more)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences Lightning's banners and its advice on worker processes and small batches."""
    loggers = [
        logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C leaves as KeyboardInterrupt, where Lightning would exit with the signal switched off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, handler)
        sys.stderr.flush()
