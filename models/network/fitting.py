"""One run of Lightning's trainer: epochs, checkpoints, interruption."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar

from routoo.data.errors import InputError
from routoo.data.storage.foreign import library_errors
from routoo.models.encoder.features import has_native_bf16, uses_gpu
from routoo.models.network.lightning import PromptData, RouterModule
from routoo.models.network.network import RouterNetwork
from routoo.models.training.options import TrainOptions

_LAST = "last"
_PARTS = {"state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks", "epoch"}
"""What a checkpoint holds beside other things."""


def fit_network(network: RouterNetwork, data: PromptData, run_id: str) -> None:
    """Trains the heads of a network, and its encoder where that learns; the last epoch is what stays.

    Args:
        network: What learns; it is left on the CPU, in evaluation mode.
        data: Training prompts, with the options of the run.
        run_id: Folder of this run's checkpoints inside `checkpoint_dir`.

    Raises:
        InputError: The checkpoint to go on from is damaged, or Lightning cannot use the accelerator.
        KeyboardInterrupt: The run was interrupted; the checkpoint folder has the last whole epoch.
    """
    options, module = data.options, RouterModule(network, data)
    callbacks: list[Callback] = []
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
        trainer = _trainer(options, callbacks, epochs=data.epochs)
        trainer.fit(module, data, ckpt_path=resume_from, weights_only=True)
    network.cpu().eval()


def _trainer(options: TrainOptions, callbacks: list[Callback], *, epochs: int) -> L.Trainer:
    """Lightning's trainer, where it can use the accelerator."""
    try:
        return L.Trainer(
            max_epochs=epochs,
            accelerator=options.accelerator,
            devices=1,
            precision=_precision(options),
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=options.checkpoint_dir is not None,
            enable_model_summary=False,
            enable_progress_bar=options.progress,
            num_sanity_val_steps=0,
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


def _precision(options: TrainOptions) -> Any:  # Lightning's literal of a dozen names
    """bfloat16 for an encoder that learns, where the processor has it; heads alone take float32."""
    native = has_native_bf16("cuda" if uses_gpu(options.accelerator) else "cpu")
    return "bf16-mixed" if native and options.tune != "frozen" else "32-true"


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences Lightning's banners and its advice on small batches."""
    loggers = [
        logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
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
