# Made of a Kattis package: asks its output validator, which ends with 42 for a right answer and with 43 for a wrong one.
import io
import json
import os
import sys

asked = json.load(sys.stdin)
result = asked["result"] if isinstance(asked["result"], str) else asked["result"][0]
os.mkdir("/tmp/feedback")
for name, text in (("input", asked["input"]), ("answer", result)):
    with open("/tmp/" + name, "w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else text + "\n")
path = "files/validator.py"
source = open(path, encoding="utf-8").read()
printed, stdout = io.StringIO(), sys.stdout
sys.argv = [path, "/tmp/input", "/tmp/answer", "/tmp/feedback", *FLAGS]
sys.stdin = io.TextIOWrapper(io.BytesIO((asked["answer"] + "\n").encode()), encoding="utf-8")
sys.stdout = printed
code = 0
try:
    exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": path})
except SystemExit as end:
    code = end.code
finally:
    sys.stdout = stdout
if code not in (42, 43):
    raise RuntimeError(f"the validator ended with {code} instead of 42 or 43")


def told(name):
    path = "/tmp/feedback/" + name
    return open(path, encoding="utf-8").read().strip() if os.path.exists(path) else ""


verdict = {"correct": code == 42}
if told("teammessage.txt"):
    verdict["message"] = told("teammessage.txt")[:500]
if verdict["correct"] and told("score.txt"):
    verdict["share"] = max(0.01, min(1.0, float(told("score.txt")) / BEST))
print(json.dumps(verdict))
