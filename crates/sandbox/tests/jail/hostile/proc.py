# `exe` is left out: where /proc shows at all, it leads to Python's own executable, which scripts may read.
import os

for pid in ["self", "thread-self", os.getpid(), os.getppid(), *range(1, 40)]:
    for name in ("", "environ", "cmdline", "maps", "mem", "root", "cwd", "fd", "ns/net", "stat", "task"):
        path = f"/proc/{pid}/{name}"
        for act in (os.listdir, os.readlink, os.chdir, lambda path: open(path, "rb").read(1)):
            try:
                act(path)
                print(path)
            except OSError:
                pass
# Others' pipes and memory files. (A process may reach its own, which it has anyway.)
for pid in {os.getppid(), *range(max(1, os.getpid() - 50), os.getpid() + 5)} - {os.getpid()}:
    for fd in range(16):
        try:
            print(os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY), pid, fd)
        except OSError:
            pass
