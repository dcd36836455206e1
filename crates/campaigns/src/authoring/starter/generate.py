import json
import random

flakes = [random.randint(1, 100_000) for _ in range(300)]
print(json.dumps({"input": "\n".join(map(str, flakes)), "result": sum(flakes)}))
