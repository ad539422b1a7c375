import os
from pathlib import Path

from homeostat.gateway.machine import taken


def tree(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_of_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_this_machine_tells():
    found = taken()
    assert found.cpu_s > 0
    assert found.processors >= 0.01
    if Path("/proc/self/statm").exists():
        assert 0 < found.resident_bytes < found.memory_bytes


def test_without_proc_memory_is_unknown_and_not_nothing(tmp_path):
    found = taken(tmp_path)
    assert (found.resident_bytes, found.memory_bytes) == (None, None)


def test_pages_and_kilobytes_are_bytes(tmp_path):
    root = tree(tmp_path, proc__self__statm="900 25 10 1 0 8 0\n", proc__meminfo="MemTotal: 64 kB")
    found = taken(root)
    assert found.resident_bytes == 25 * os.sysconf("SC_PAGE_SIZE")
    assert found.memory_bytes == 64 * 1024


def test_the_limit_of_a_container_counts(tmp_path):
    root = tree(
        tmp_path,
        proc__meminfo="MemTotal: 64 kB\n",
        sys__fs__cgroup__memory_of_max="4096\n",
        sys__fs__cgroup__cpu_of_max="25000 100000\n",
    )
    assert (taken(root).memory_bytes, taken(root).processors) == (4096, 0.25)


def test_no_limit_leaves_the_machine(tmp_path):
    root = tree(
        tmp_path,
        proc__meminfo="MemTotal: 64 kB\n",
        sys__fs__cgroup__memory_of_max="max\n",
        sys__fs__cgroup__cpu_of_max="max 100000\n",
    )
    assert taken(root).memory_bytes == 64 * 1024
    assert taken(root).processors == taken(tmp_path / "nowhere").processors


def test_spoiled_files_are_unknown(tmp_path):
    root = tree(tmp_path, proc__self__statm="900\n", proc__meminfo="MemTotal: many kB")
    assert (taken(root).resident_bytes, taken(root).memory_bytes) == (None, None)
