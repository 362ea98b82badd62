"""Whatever is done to a run folder, in any order: files are whole and run.json is true, nothing
finished is lost without --force, and what is gone on with ends in the bytes of a run never stopped.

Each command is a process of its own, forked from this one, that may meet a fault at any of its
calls: an error of the disk, a full disk, Ctrl-C, a kill.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import chdir
from functools import cache
from pathlib import Path

from faults import CONFIG, NONE, TRAIN, Fault, Reference, codes, run
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from resuming import essence, flowers, leftovers

from bpcli.config.errors import ModelError
from bpcli.runs.checkpoint import read_checkpoint
from bpcli.runs.folder import CHECKPOINT, MODEL, state_of
from bpcli.runs.lock import FolderLock
from bpcli.runs.model import read_model

PREDICT = ("predict", "run", "flowers.csv", "-q")
MOST = 220  # calls; a command that makes fewer meets no fault
FAULTS = st.one_of(
    st.just(NONE),
    st.builds(
        Fault,
        at=st.integers(1, MOST),
        error=st.sampled_from(["EIO", "ENOSPC"]),
        way=st.sampled_from(["once", "from then on", "interrupted", "killed"]),
    ),
)
DAMAGED = st.sampled_from([CHECKPOINT, MODEL])


@cache
def reference() -> Reference:
    """A run that nothing happened to."""
    folder = Path(tempfile.mkdtemp())
    try:
        return Reference.of(folder / "calm")
    finally:
        shutil.rmtree(folder)


class RunFolder(RuleBasedStateMachine):
    """A run folder between commands, faults and damage."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.run = self.home / "run"
        self.hurt: dict[str, bytes | None] = {}  # what files were made; None: deleted
        flowers(self.home, CONFIG)

    def teardown(self) -> None:
        shutil.rmtree(self.home)

    @property
    def state(self) -> str | None:
        """What the folder holds; None where nothing, or nothing that says what it is."""
        return state_of(self.run) if self.run.is_dir() else None

    @property
    def occupied(self) -> bool:
        return self.run.is_dir() and any(not p.name.startswith(".") for p in self.run.iterdir())

    def command(self, expected: int, fault: Fault, *words: str) -> int:
        """Run it; without a fault it must end as expected."""
        with chdir(self.home):
            code, _, said = run(fault, *words)
        assert code == expected or (fault.at and code in codes(fault)), f"exit {code}: {said}"
        return code

    @rule(fault=FAULTS)
    def train(self, fault: Fault) -> None:
        before = self.content()
        if self.state is None and not self.occupied:
            self.ended(self.command(0, fault, *TRAIN), fault)
        else:
            self.command(6, fault, *TRAIN)
            assert self.content() == before

    @rule(fault=FAULTS)
    def resume(self, fault: Fault) -> None:
        finished = self.state == "completed"
        kept = (self.run / CHECKPOINT).exists()
        before = self.content()
        if (self.state is None and self.occupied) or (finished and not kept):
            expected = 6
        elif kept and CHECKPOINT in self.damage():
            expected = 5
        else:
            expected = 0
        code = self.command(expected, fault, *TRAIN, "--resume")
        if finished or expected:
            assert self.content() == before
        if not finished:
            self.ended(code, fault)

    @rule(fault=FAULTS)
    def force(self, fault: Fault) -> None:
        self.ended(self.command(0, fault, *TRAIN, "--force"), fault)

    @rule()
    def predict(self) -> None:
        whole = self.state == "completed" and MODEL not in self.damage()
        before = self.content()
        self.command(0 if whole else 5, NONE, *PREDICT)
        assert self.content() == before

    @rule()
    def train_beside_another(self) -> None:
        if self.run.is_dir():
            lock = FolderLock(self.run)
            before = self.content()
            for option in ((), ("--force",), ("--resume",)):
                if option != ("--resume",) or CHECKPOINT not in self.damage():  # or both are wrong
                    self.command(10, NONE, *TRAIN, *option)
            assert self.content() == before
            lock.release()

    @rule(name=DAMAGED, place=st.floats(0, 1, exclude_max=True))
    def corrupt(self, name: str, place: float) -> None:
        if (self.run / name).exists():
            content = bytearray((self.run / name).read_bytes())
            content[int(place * len(content))] ^= 1
            (self.run / name).write_bytes(content)
            self.hurt[name] = bytes(content)

    @rule(name=DAMAGED)
    def delete(self, name: str) -> None:
        if (self.run / name).exists():
            (self.run / name).unlink()
            self.hurt[name] = None

    @invariant()
    def what_is_whole_can_be_read(self) -> None:
        for name, read in ((CHECKPOINT, read_checkpoint), (MODEL, read_model)):
            if not (self.run / name).exists():
                continue
            try:
                read(self.run / name)
            except ModelError:
                assert name in self.damage()
            else:
                assert name not in self.damage()

    @invariant()
    def the_record_is_true(self) -> None:
        assert self.state in (None, "running", "interrupted", "failed", "completed")
        if self.state == "completed" and not self.damage():
            assert essence(self.run) == reference().run

    def ended(self, code: int, fault: Fault) -> None:
        """After a training that was allowed to begin.

        A signal that comes when the last file has its name, and before the end, finds a whole run.
        """
        if code == 0:
            assert self.state == "completed"
            assert fault.at or leftovers(self.home) == []
        elif code == 6:
            assert self.state != "completed"

    def damage(self) -> set[str]:
        """The files that are as we have made them."""
        paths = {name: self.run / name for name in self.hurt}
        contents = {n: path.read_bytes() if path.exists() else None for n, path in paths.items()}
        return {name for name, made in self.hurt.items() if contents[name] == made}

    def content(self) -> dict[str, bytes]:
        """Every file that has its name; another command's temporary files may be tidied up."""
        found = self.run.iterdir() if self.run.is_dir() else ()
        return {path.name: path.read_bytes() for path in found if not path.name.startswith(".")}


TestRunFolder = RunFolder.TestCase
TestRunFolder.settings = settings(
    derandomize=True,
    max_examples=10,
    stateful_step_count=12,
    deadline=None,
    phases=[Phase.generate],  # to shrink a failure takes minutes
)
