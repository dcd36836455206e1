import fcntl
import struct

commands = {
    "SIOCGIFCONF": 0x8912, "SIOCGIFADDR": 0x8915, "SIOCGIFHWADDR": 0x8927, "TIOCSTI": 0x5412,
    "TIOCGWINSZ": 0x5413, "FIONREAD": 0x541B, "TIOCSCTTY": 0x540E,
    "TIOCLINUX": 0x541C, "FIONBIO": 0x5421, "BLKGETSIZE64": 0x80081272, "FS_IOC_GETFLAGS": 0x80086601,
}
for fd in range(16):
    for name, command in commands.items():
        for argument in (0, bytes(64), struct.pack("iL", 64, 0)):
            try:
                fcntl.ioctl(fd, command, argument)
                print(name, fd)
            except OSError:
                pass
