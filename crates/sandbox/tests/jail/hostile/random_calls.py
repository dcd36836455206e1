# Random system calls with arguments that mean something: descriptors, process ids, addresses, flags.
import ctypes
import os
import random
import resource

libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
address = ctypes.addressof(buffer)
# On both machines, calls that would only end or hang this script itself: exit, signal handlers, sleeping, waiting, unmapping.
ours = {9, 13, 15, 19, 28, 131, 158, 218, 273, 295, 334, 34, 35, 60, 219, 231, 230, 202, 271, 270, 7, 23, 11, 12, 25, 10, 73, 75, 74, 93, 94, 101, 113, 128, 139,
        98, 115, 132, 134, 214, 215, 216, 222, 226, 233}
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
