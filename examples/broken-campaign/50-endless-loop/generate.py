import json
import random

numbers = []
while len(numbers) != 200:
    numbers.append(random.randint(1, 10**6))
    numbers.append(random.randint(1, 10**6))
    numbers = numbers[:199]
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": sum(numbers)}))
