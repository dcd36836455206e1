"""Asks an interpreter where it lives and what it maps, so that the jail can hold just that.

Run outside the jail, isolated (-I -S), once per start of the server. Prints one JSON object.
"""

import importlib.machinery
import json
import os
import struct
import sys
import sysconfig
import warnings

MODULES = " ".join(sys.argv[1:]).split()


def program_interpreter(path):
    """The ELF's dynamic loader (PT_INTERP) as it is written in the file, or None."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:5] != b"\x7fELF\x02":
            return None
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        for number in range(count):
            file.seek(offset + number * size)
            entry = file.read(size)
            if struct.unpack_from("<I", entry)[0] == 3:
                at, length = struct.unpack_from("<Q", entry, 8)[0], struct.unpack_from("<Q", entry, 32)[0]
                file.seek(at)
                return file.read(length).rstrip(b"\0").decode()
    return None


def numpy_folders():
    """numpy's folders where the interpreter's own site-packages, or its virtual environment's, have it.

    No .pth file is obeyed, nor is anything of the user's looked at.
    """
    import site

    folders = site.getsitepackages([sys.base_prefix])
    environment = os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))
    if os.path.exists(os.path.join(environment, "pyvenv.cfg")):
        # Without the module's own start-up, it does not know of the environment and would guess at the folder.
        folders.insert(0, os.path.join(environment, "lib", "python%d.%d" % sys.version_info[:2], "site-packages"))
    for folder in folders:
        if os.path.isdir(os.path.join(folder, "numpy")):
            sys.path.append(folder)
            try:
                import numpy.fft
                import numpy.linalg
                import numpy.random
            except Exception:
                sys.path.remove(folder)
                continue
            names = [n for n in ("numpy", "numpy.libs") if os.path.isdir(os.path.join(folder, n))]
            return os.path.realpath(folder), [os.path.realpath(os.path.join(folder, n)) for n in names]
    return None, []


def extensions():
    """Modules of the library that are files of their own, some of which need a shared library of the machine."""
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    for folder in {os.path.realpath(p) for p in sys.path if os.path.basename(p) == "lib-dynload"}:
        for name in sorted(os.listdir(folder)):
            # Python's tests of itself, and windows.
            if name.endswith(suffixes) and not name.startswith(("_test", "_xx", "xx", "_tkinter", "_ctypes_test")):
                yield name.split(".")[0]


# Some of them greet the terminal.
os.environ["TERM"] = "dumb"
warnings.simplefilter("ignore")
for name in [*MODULES, *extensions()]:
    try:
        __import__(name)
    except ImportError:
        pass
site_folder, numpy = numpy_folders()
executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
stdlib = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
stdlib.update(os.path.realpath(p) for p in sys.path if os.path.basename(p) == "lib-dynload")
mapped = set()
with open("/proc/self/maps") as maps:
    for line in maps:
        fields = line.rstrip("\n").split(None, 5)
        if len(fields) == 6 and "x" in fields[1] and fields[5].startswith("/") and os.path.isfile(fields[5]):
            mapped.add(fields[5])
print(
    json.dumps(
        {
            "version": list(sys.version_info[:3]),
            "executable": executable,
            "home": os.path.realpath(sys.base_prefix) + ":" + os.path.realpath(sys.base_exec_prefix),
            "stdlib": sorted(p for p in stdlib if os.path.isdir(p)),
            "mapped": sorted(mapped),
            # Names of time zones lead to files; a link here would have to be followed in the jail, too.
            "data": [
                p for p in ("/usr/share/zoneinfo", "/usr/lib/zoneinfo") if os.path.isdir(p) and os.path.realpath(p) == p
            ],
            "loader": program_interpreter(executable),
            "site": site_folder,
            "numpy": numpy,
            "ctypes": "ctypes" in sys.modules,
        }
    )
)
