# Made of a Kattis package: the input is what its generator prints, the answer what its accepted solution says of it.
import io
import json
import os
import random
import sys


def ran(path, arguments, given):
    """Runs a script as a program of its own and gives what it prints."""
    source = open(path, encoding="utf-8").read()
    stdin, stdout, argv = sys.stdin, sys.stdout, sys.argv
    printed = io.BytesIO()
    sys.argv = [path, *arguments]
    sys.stdin = io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8")
    sys.stdout = out = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
    try:
        exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": path})
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    finally:
        sys.stdin, sys.stdout, sys.argv = stdin, stdout, argv
        # It would close what was printed when it goes.
        out.detach()
    return printed.getvalue().decode()


if os.path.exists("files/generator.py"):
    made = ran("files/generator.py", [str(random.randrange(10**9))], "")
else:
    cases = sorted(name for name in os.listdir("files/cases") if name.endswith(".in"))
    made = open("files/cases/" + random.choice(cases), encoding="utf-8").read()
print(json.dumps({"input": made, "result": ran("files/solution.py", [], made)}))
