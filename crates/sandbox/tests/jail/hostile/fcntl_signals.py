import fcntl
import os
import signal
import struct

F_SETSIG, F_SETOWN_EX, F_NOTIFY, F_SETPIPE_SZ, F_ADD_SEALS = 10, 15, 1026, 1031, 1033
attempts = {
    "F_SETOWN": lambda fd: fcntl.fcntl(fd, fcntl.F_SETOWN, os.getppid()),
    "F_SETOWN_EX": lambda fd: fcntl.fcntl(fd, F_SETOWN_EX, struct.pack("ii", 1, os.getppid())),
    "F_SETSIG": lambda fd: fcntl.fcntl(fd, F_SETSIG, signal.SIGKILL),
    "O_ASYNC": lambda fd: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_ASYNC),
    "O_NONBLOCK": lambda fd: os.set_blocking(fd, False),
    "FIOASYNC": lambda fd: fcntl.ioctl(fd, 0x5452, struct.pack("i", 1)),
    "FIOSETOWN": lambda fd: fcntl.ioctl(fd, 0x8901, struct.pack("i", os.getppid())),
    "F_NOTIFY": lambda fd: fcntl.fcntl(fd, F_NOTIFY, 1),
    "F_SETLEASE": lambda fd: fcntl.fcntl(fd, 1024, 0),
    "F_SETPIPE_SZ": lambda fd: fcntl.fcntl(fd, F_SETPIPE_SZ, 1 << 20),
    "F_ADD_SEALS": lambda fd: fcntl.fcntl(fd, F_ADD_SEALS, 1),
    "lock": lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
    "flock": lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
}
for fd in range(64):
    for name, attempt in attempts.items():
        try:
            attempt(fd)
            print(name, fd)
        except OSError:
            pass
