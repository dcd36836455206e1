import json
import random

numbers = [random.randint(1, 10**6) for _ in range(200)]
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": [sum(numbers), sum(n * n for n in numbers)]}))
