import ctypes
import os

if dict(os.environ) != {"QUESTHALL_SEED": "seed", "QUESTHALL_OUT": "/out"}:
    print(dict(os.environ))
# The C library's own view, and what the kernel put on the stack when the process began.
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
for name in (b"PATH", b"HOME", b"USER", b"DATABASE_URL", b"CARGO", b"LD_LIBRARY_PATH"):
    if libc.getenv(name) is not None:
        print(name)
