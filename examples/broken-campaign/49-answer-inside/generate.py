import json
import random

numbers = random.sample(range(10**5, 10**6), 200)
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": max(numbers)}))
