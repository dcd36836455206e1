import ctypes
import mmap
import os

libc = ctypes.CDLL(None, use_errno=True)
attempts = {
    "memfd": lambda: os.memfd_create("x"),
    "shm": lambda: __import__("multiprocessing.shared_memory").shared_memory.SharedMemory(create=True, size=10),
    "System V": lambda: libc.shmget(1, 4096, 0o1777) != -1 or 1 / 0,
    "semaphore": lambda: libc.semget(1, 1, 0o1777) != -1 or 1 / 0,
    "message queue": lambda: libc.msgget(1, 0o1777) != -1 or 1 / 0,
    "anonymous beyond the limit": lambda: mmap.mmap(-1, 1 << 30),
    "anonymous and shared beyond the limit": lambda: mmap.mmap(-1, 1 << 30, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS),
    "locked": lambda: libc.mlockall(3) == 0 or 1 / 0,
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name)
    except Exception:
        pass
