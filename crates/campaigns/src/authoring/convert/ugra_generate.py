# Made of a task generator with `generate(user, target_dir)`: what it leaves in target_dir are the participant's files, what it
# returns or prints are the flags.
import io
import json
import os
import random
import sys

user = "%016x" % random.getrandbits(64)
sys.argv = ["generator.py", user, os.environ["QUESTHALL_OUT"]]
stdout, sys.stdout = sys.stdout, io.StringIO()
try:
    import task_generator

    made = task_generator.generate(user, os.environ["QUESTHALL_OUT"])
    printed = sys.stdout.getvalue().strip()
finally:
    sys.stdout = stdout
if made is None and printed:
    made = json.loads(printed.splitlines()[-1])
if isinstance(made, str):
    made = {"flags": [made]}
elif isinstance(made, (list, tuple)):
    made = {"flags": list(made)}
flags = made.get("flags") or [made["flag"]]
shown = {key: value for key, value in made.items() if key in ("substitutions", "urls", "bullets") and value}
lines = []
for key, value in shown.items():
    pairs = value.items() if isinstance(value, dict) else ((key, item) for item in value)
    lines += [f"{name}: {item}" for name, item in pairs]
print(json.dumps({"input": "\n".join(lines) or "Everything is in the files.", "result": {"any": flags}}))
