# Prints the name of everything that works although the jail must forbid it. Run before a rung is trusted.
import os
import socket


def forbidden(name, act):
    try:
        act()
    except (OSError, RuntimeError, ValueError):
        return
    print(name)


forbidden("read /etc/passwd", lambda: open("/etc/passwd").read())
forbidden("read /proc/self/environ", lambda: open("/proc/self/environ").read())
forbidden("list /", lambda: os.listdir("/"))
forbidden("write /tmp", lambda: open("/tmp/questhall-self-test", "w").close())
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
if set(os.environ) != {"QUESTHALL_SEED"}:
    print("see the environment")
