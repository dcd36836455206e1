# `exe` is left out: where /proc shows at all, it leads to Python's own executable, which scripts may read.
import os

for pid in ["self", "thread-self", os.getpid(), os.getppid(), *range(1, 40)]:
    for name in ("", "environ", "cmdline", "maps", "mem", "root", "cwd", "fd", "fd/0", "ns/net", "stat", "task"):
        path = f"/proc/{pid}/{name}"
        for act in (os.listdir, os.readlink, os.chdir, lambda path: open(path, "rb").read(1)):
            try:
                act(path)
                print(path)
            except OSError:
                pass
