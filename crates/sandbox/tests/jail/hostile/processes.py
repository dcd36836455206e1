import ctypes
import os
import subprocess

attempts = {
    "forkpty": os.forkpty,
    "system": lambda: os.system("id") == 0 or 1 / 0,
    "popen": lambda: os.popen("id").read() or 1 / 0,
    "posix_spawn": lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
    "execv": lambda: os.execv("/bin/sh", ["sh", "-c", "echo through"]),
    "execve by descriptor": lambda: os.execve(0, ["x"], {}),
    "subprocess": lambda: subprocess.Popen(["/usr/bin/python3"]),
    "multiprocessing": lambda: __import__("multiprocessing").get_context("fork").Process(target=print).start(),
    "setsid": os.setsid,
    "setpgid": lambda: os.setpgid(0, 0),
    "setuid": lambda: os.setuid(0),
    "setgroups": lambda: os.setgroups([0]),
    "nice": lambda: os.nice(-5),
    "affinity": lambda: os.sched_setaffinity(0, {0}),
    "wait for others": lambda: os.wait(),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name)
    except Exception:
        pass
libc = ctypes.CDLL(None, use_errno=True)
for name in ("fork", "vfork", "daemon"):
    if name != "vfork" and getattr(libc, name)(0, 0) != -1:
        print(name)
