"""Fuzz one target for some time:  tests/fuzzing/run.py TARGET [SECONDS]

With atheris where it can be installed: coverage leads it from the bad inputs onwards. Elsewhere the
same inputs are changed at random. A finding is written to .fuzz/found/ and ends the run with code
1; make it a case of tests/bad_inputs, then mend it.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
FOUND = ROOT / ".fuzz" / "found"
MOST = 10_000  # bytes of an input


def with_atheris(name: str, seconds: int) -> None:
    """libFuzzer under atheris; it ends the process itself."""
    import atheris

    with atheris.instrument_imports(include=["bpcli"]):
        from fuzzing import targets
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(targets.seeds(name)):
            Path(corpus, str(number)).write_bytes(seed)
        FOUND.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={MOST}",
            "-timeout=10",
            "-rss_limit_mb=2000",
            f"-artifact_prefix={FOUND}/{name}-",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], corpus, *options], lambda data: targets.run(name, data))
        atheris.Fuzz()


def at_random(name: str, seconds: int) -> None:
    """The seeds with a few bytes changed, moved or taken from each other."""
    from fuzzing import targets

    stop, count = time.monotonic() + seconds, 0
    for content in mutants(targets.seeds(name), random.Random(0)):
        if time.monotonic() > stop:
            break
        count += 1
        try:
            targets.run(name, content)
        except BaseException:
            FOUND.mkdir(parents=True, exist_ok=True)
            path = FOUND / f"{name}-{sha256(content).hexdigest()[:12]}"
            path.write_bytes(content)
            traceback.print_exc()
            sys.exit(f"a finding: {path}")
    print(f"{name}: {count:,} inputs in {seconds} s, no finding")


def mutants(seeds: list[bytes], draw: random.Random) -> Iterator[bytes]:
    """Endless inputs near the seeds."""
    while True:
        content = bytearray(draw.choice(seeds))
        for _ in range(draw.randint(1, 8)):
            at = draw.randint(0, len(content))
            other = draw.choice(seeds)
            start = draw.randint(0, len(other))
            piece = other[start : start + draw.randint(0, 20)]
            kind = draw.randrange(4)
            if kind == 0:
                content[at : at + 1] = bytes([draw.randrange(256)])
            elif kind == 1:
                content[at:at] = piece
            elif kind == 2:
                del content[at : at + draw.randint(1, 20)]
            else:
                content[at : at + len(piece)] = piece
        yield bytes(content[:MOST])


if __name__ == "__main__":
    arguments = (sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60)
    try:
        import atheris  # noqa: F401
    except ImportError:
        at_random(*arguments)
    else:
        with_atheris(*arguments)
