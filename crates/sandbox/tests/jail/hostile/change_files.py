# By the module beneath `os`, which knows nothing of the folders that are in memory: what the kernel is asked for.
import io
import os as taught
import posix as os

library = taught.path.dirname(taught.__file__)
attempts = {
    "mkdir": lambda: os.mkdir("/tmp/questhall-was-here"),
    "create in /tmp": lambda: io.FileIO("/tmp/questhall-was-here", "w"),
    "mkdir here": lambda: os.mkdir("x"),
    "create here": lambda: io.FileIO("x", "x"),
    "create in the library": lambda: io.FileIO(library + "/x.py", "w"),
    "overwrite the library": lambda: io.FileIO(library + "/random.py", "r+"),
    "append to the library": lambda: io.FileIO(library + "/random.py", "a"),
    "truncate the library": lambda: os.truncate(library + "/random.py", 0),
    "remove": lambda: os.unlink(library + "/random.py"),
    "rename": lambda: os.rename(library + "/random.py", library + "/x.py"),
    "link": lambda: os.link(library + "/random.py", "/tmp/x"),
    "symlink": lambda: os.symlink("/etc", "/tmp/questhall-was-here"),
    "chmod": lambda: os.chmod(library + "/random.py", 0o777),
    "chown": lambda: os.chown(library + "/random.py", 0, 0),
    "utime": lambda: os.utime(library + "/random.py"),
    "mknod": lambda: os.mknod("/tmp/questhall-was-here"),
    "mkfifo": lambda: os.mkfifo("/tmp/questhall-was-here"),
    "nameless file": lambda: os.open("/tmp", os.O_TMPFILE | os.O_RDWR),
    "nameless file for reading": lambda: os.open("/tmp", os.O_TMPFILE),
    "chdir": lambda: os.chdir("/tmp"),
    "chroot": lambda: os.chroot("/"),
    "umask": lambda: os.umask(0),
    "setxattr": lambda: os.setxattr(library + "/random.py", "user.x", b"x"),
    "sync": lambda: (os.fsync(1), os.fdatasync(1)),
}
for name, attempt in attempts.items():
    try:
        attempt()
        # Python's umask cannot fail, so look whether it had an effect.
        if name != "umask":
            print(name)
    except OSError:
        pass
