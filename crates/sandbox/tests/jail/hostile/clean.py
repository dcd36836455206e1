import builtins
import json
import os
import random
import sys
import time

state = {
    "marks": [hasattr(builtins, "MARK"), hasattr(sys, "MARK"), "MARK" in os.environ],
    "environment": dict(os.environ),
    "random": random.random(),
    "hash": hash("questhall"),
    "path": sys.path,
    "modules": len(sys.modules),
    "clock": time.time() > 0,
    "arguments": sys.argv,
    "name": __name__,
    "descriptors": [],
}
for fd in range(256):
    try:
        os.fstat(fd)
        state["descriptors"].append(fd)
    except OSError:
        pass
print(json.dumps(state))
