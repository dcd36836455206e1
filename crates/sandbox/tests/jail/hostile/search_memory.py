# Looks through all memory around the objects that can be named, freed memory included, for other runs' secrets.
import ctypes
import gc

libc = ctypes.CDLL(None)
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
PAGE, AROUND = 4096, 512
gc.unfreeze()
near = {id(thing) // PAGE for thing in gc.get_objects()}
libc.malloc.restype = ctypes.c_void_p
near.add(libc.malloc(100) // PAGE)
pages = set()
for page in {page // AROUND for page in near}:
    pages.update(range((page - 1) * AROUND, (page + 2) * AROUND))
# The marks that secrets begin and end with, in numbers, so that this text does not find itself.
before, after = bytes([118, 101, 114, 121, 45]), bytes([45, 115, 101, 99, 114, 101, 116])
controls = [b"a control value", b"that was freed"]
control = b"-".join(controls * 3)
del control
seen, found, secrets = 0, False, 0
for page in sorted(pages):
    # The kernel says EFAULT where nothing is mapped; reading it ourselves would end us.
    if page <= 0 or libc.write(2, page * PAGE, 1) != 1:
        continue
    memory = ctypes.string_at(page * PAGE, PAGE)
    seen += 1
    found = found or b"-".join(controls) in memory
    at = memory.find(before)
    while at >= 0:
        if memory.find(after, at, at + 30) >= 0:
            secrets += 1
        at = memory.find(before, at + 1)
print("control", "found;" if found and seen > 1000 else f"missed in {seen} pages;", "secrets", secrets)
