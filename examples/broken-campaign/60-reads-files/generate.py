import json

with open("/etc/passwd") as users:
    lines = users.read()
print(json.dumps({"input": lines, "result": len(lines)}))
