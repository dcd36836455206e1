import builtins
import json
import linecache
import os
import random
import sys
import time

builtins.MARK = "left behind"
sys.MARK = "left behind"
os.environ["MARK"] = "left behind"
json.dumps = None
random.seed = lambda *_: None
random.random = lambda: 4
time.time = lambda: 0
os._exit = os.write = os.pread = None
linecache.cache.clear()
sys.modules.clear()
sys.path[:] = ["/nowhere"]
del builtins.compile, builtins.exec, builtins.open
