import json
import random

print("making numbers ...")
numbers = [random.randint(1, 10**6) for _ in range(200)]
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": sum(numbers)}))
print("done")
