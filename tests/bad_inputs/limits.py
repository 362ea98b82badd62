"""What would not fit this machine, and training that leaves the numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path
from signal import SIGKILL
from threading import Event, Thread
from unittest.mock import patch

from bad_inputs.case import CONFIG, Case

WIDE = "data: {path: t.csv, target: y}\nepochs: 1\nnetwork: [{dense: 1000000}, {dense: 1000000}]\n"


@contextmanager
def a_container(folder: Path) -> Iterator[None]:
    """The limit that the kernel tells of in a container of 1 GB."""
    limit = folder / "memory.max"
    limit.write_text("1000000000\n")
    with patch("bpcli.experiment.memory.CGROUP_LIMITS", (str(limit),)):
        yield


@contextmanager
def a_killer(folder: Path) -> Iterator[None]:
    """Something that kills the first process that training starts, as the kernel may."""
    over = Event()

    def kill() -> None:
        while not over.is_set():
            for child in Path(f"/proc/self/task/{getpid()}/children").read_text().split():
                os.kill(int(child), SIGKILL)
                return

    killer = Thread(target=kill)
    killer.start()
    yield
    over.set()
    killer.join()


CASES = [
    Case(
        "a network of 4 TB",
        "BP-R001",
        8,
        ("GB", "1.0 GB are available", "network", "batch_size"),
        files={"c.yaml": WIDE},
        rows=(70, 72),
        around=a_container,
    ),
    Case(
        "a plan of 4 TB",
        "BP-R001",
        8,
        ("GB", "network"),
        "plan c.yaml",
        {"c.yaml": WIDE},
        rows=(70,),
    ),
    Case(
        "a rate that is too high",
        "BP-N001",
        7,
        ("iteration", "learning rate 1e+30", "learning_rate"),
        "train c.yaml -o new",
        {
            "c.yaml": CONFIG.replace("epochs: 1", "epochs: 9")
            + "optimizer: sgd\nlearning_rate: 1e30\n"
        },
        rows=(64,),
        leaves="new",
    ),
    Case(
        "a process that is killed",
        "BP-R002",
        8,
        ("threads: 1",),
        "train c.yaml -o new",
        {"c.yaml": CONFIG.replace("epochs: 1", "epochs: 99999") + "threads: 2\n"},
        leaves="new",
        around=a_killer,
    ),
]
