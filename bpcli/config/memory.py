"""How much memory there is: asked before anything big is allocated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bpcli.config.errors import Problem, ResourceError

CGROUPS = (  # the limit of a container, and what is used of it
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
_UNKNOWN = 1 << 62  # so large that it is not what refuses


def bytes_available() -> int:
    """Free memory of the machine, or what a container or `ulimit -v` leaves, if that is less."""
    return min(_machine_bytes(), _address_space(), *_containers())


def require_memory(needed: int, id: str, where: str, work: str, fix: str) -> None:
    """Raises ResourceError, with the numbers and the key to change, where it does not fit."""
    available = bytes_available()
    if needed > available:
        what = f"{work} takes about {_gigabytes(needed)}, {_gigabytes(available)} are available"
        raise ResourceError(Problem(id, where, what, fix))


def _machine_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return _UNKNOWN
    fields = dict(line.split(":") for line in lines)
    return 1024 * int(fields["MemAvailable"].split()[0])


def _address_space() -> int:
    """What `ulimit -v` leaves to this process."""
    try:
        import resource
    except ImportError:  # not a Unix
        return _UNKNOWN
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return _UNKNOWN
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        pages = 0
    return max(limit - pages * resource.getpagesize(), 0)


def _containers() -> Iterator[int]:
    for limit, usage in CGROUPS:
        most = _number_in(limit)
        if most is not None:
            yield max(most - (_number_in(usage) or 0), 0)


def _number_in(path: str) -> int | None:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
