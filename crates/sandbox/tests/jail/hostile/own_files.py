# The folders that are in memory, used for what they are not for. Whatever works is printed.
import os

attempts = {
    "a link out": lambda: os.symlink("/etc/passwd", "/out/x"),
    "a link out, relative": lambda: os.symlink("../etc", "/tmp/x"),
    "a hard link in": lambda: os.link("/etc/passwd", "/out/x"),
    "a device": lambda: os.mknod("/out/x", 0o020666, os.makedev(1, 5)),
    "a pipe": lambda: os.mkfifo("/tmp/x"),
    "out of it": lambda: open("/out/../etc/passwd"),
    "out of it, by many slashes": lambda: open("//out//..//..//etc//passwd"),
    "out of it, in bytes": lambda: open(b"/tmp/../etc/passwd"),
    "out of it, by a folder": lambda: (os.chdir("/tmp"), open("../etc/passwd")),
    "out of it, by a move": lambda: os.rename("/etc/passwd", "/out/passwd"),
    "a move outwards": lambda: (open("/out/y", "w").close(), os.rename("/out/y", "/etc/y")),
    "a name with an end": lambda: open("/out/x\0.txt", "w"),
    "its author's files": lambda: open("files/words.txt", "w"),
    "its author's folder": lambda: os.mkdir("/campaign/x"),
    "the script": lambda: open(__file__, "w"),
    "below a file": lambda: (open("/out/y", "w").close(), open("/out/y/z", "w")),
    "the folder itself": lambda: os.rmdir("/out"),
    "over a folder": lambda: (os.mkdir("/tmp/d"), open("/tmp/d", "w")),
    "a descriptor of nobody": lambda: os.read(1000, 1),
    "before its beginning": lambda: open("/tmp/q", "wb").seek(-1),
    "a hole": lambda: open("/tmp/q", "wb").truncate(1 << 40),
    "a hole by a descriptor": lambda: os.ftruncate(os.open("/tmp/q", os.O_RDWR | os.O_CREAT), 1 << 40),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name)
    except (OSError, ValueError):
        pass
os.chdir("/tmp")
for name in os.listdir("/out"):
    os.unlink("/out/" + name)
