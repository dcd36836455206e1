import socket

families = [getattr(socket, name) for name in dir(socket) if name.startswith("AF_")]
kinds = [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET]
for family in families:
    for kind in kinds:
        try:
            socket.socket(family, kind)
            print("socket", family, kind)
        except Exception:
            pass
for fd in range(64):
    try:
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=fd).send(b"x")
        print("sent on descriptor", fd)
    except Exception:
        pass
attempts = {
    "socketpair": socket.socketpair,
    "resolve": lambda: socket.getaddrinfo("localhost", 80),
    "resolve a name": lambda: socket.gethostbyname("example.org"),
    "interfaces": socket.if_nameindex,
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name)
    except Exception:
        pass
