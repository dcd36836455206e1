import json
import random

print(json.dumps({"input": random.choice(["heads", "tails"]), "result": random.randint(1, 10**9)}))
