# Random system calls with arguments that mean something: descriptors, process ids, addresses, flags.
import ctypes
import os
import random
import resource

libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
address = ctypes.addressof(buffer)
# On both machines, calls that would only end or hang this script itself: exit, signal handlers, sleeping, waiting,
# unmapping.
ours = {
    7, 9, 10, 11, 12, 13, 15, 19, 23, 25, 28, 34, 35, 60, 73, 74, 75, 93, 94, 98, 101, 113, 115, 128, 131, 132, 134,
    139, 158, 202, 214, 215, 216, 218, 219, 222, 226, 230, 231, 233, 270, 271, 273, 295, 334,
}
values = [0, 1, 2, 3, 10, -1, os.getpid(), os.getppid(), address, address, 4096, 0x40, 1 << 31, 9, 15, 1 << 63, -100]
made = 0
while resource.getrusage(resource.RUSAGE_SELF).ru_utime < 0.3:
    number = random.randrange(0, 470)
    if number in ours:
        continue
    libc.syscall(number, *(ctypes.c_long(random.choice(values)) for _ in range(6)))
    made += 1
    if made % 100 == 0:
        os.write(2, b".")
