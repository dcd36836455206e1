import os
import signal

targets = [0, 1, -1, 2, 3, os.getpid(), os.getppid(), -os.getppid(), os.getpid() - 1]
for target in targets:
    for number in (0, signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1):
        try:
            os.kill(target, number)
            print("kill", target, number)
        except OSError:
            pass
attempts = {
    "killpg": lambda: os.killpg(0, signal.SIGTERM),
    "raise_signal": lambda: signal.raise_signal(signal.SIGTERM),
    "pthread_kill": lambda: signal.pthread_kill(__import__("threading").get_ident(), signal.SIGTERM),
    "pidfd_open": lambda: os.pidfd_open(os.getppid()),
    "pidfd_send_signal": lambda: signal.pidfd_send_signal(0, signal.SIGTERM),
    "alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 100),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name)
    except OSError:
        pass
