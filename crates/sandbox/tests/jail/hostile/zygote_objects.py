# The forked process inherits the zygote's frames and objects; none of them leads out.
import gc
import socket
import sys

gc.unfreeze()
found = [thing for thing in gc.get_objects() if isinstance(thing, socket.socket)]
frame = sys._getframe()
while frame is not None:
    found += [value for value in frame.f_locals.values() if isinstance(value, socket.socket)]
    frame = frame.f_back
if not found:
    print("the zygote's socket was not even found, so this proves nothing")
for control in found:
    for act in (lambda: control.send(b"done 0 0 0 0"), lambda: control.recv(10), control.getpeername):
        try:
            act()
            print(act)
        except OSError:
            pass
