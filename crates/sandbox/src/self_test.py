# Prints the name of everything that works although the jail must forbid it. Run before a rung is trusted.
import os
import posix
import socket


def forbidden(name, act):
    try:
        act()
    except (OSError, RuntimeError, ValueError):
        return
    print(name)


# By the module beneath `os`, which knows nothing of the folders that are in memory.
forbidden("read /etc/passwd", lambda: posix.open("/etc/passwd", posix.O_RDONLY))
forbidden("read /proc/self/environ", lambda: posix.open("/proc/self/environ", posix.O_RDONLY))
forbidden("list /", lambda: posix.listdir("/"))
forbidden("write /tmp", lambda: posix.open("/tmp/questhall-self-test", posix.O_WRONLY | posix.O_CREAT))
forbidden("open a socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close())
forbidden("open a local socket", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close())
forbidden("signal a process", lambda: os.kill(os.getppid(), 0))
forbidden("raise a limit", lambda: __import__("resource").setrlimit(7, (16, 16)))


def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


forbidden("fork", fork)
if set(os.environ) != {"QUESTHALL_SEED", "QUESTHALL_OUT"}:
    print("see the environment")
