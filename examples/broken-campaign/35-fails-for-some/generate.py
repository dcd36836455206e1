import json
import random
import sys

numbers = [random.randint(1, 10**6) for _ in range(200)]
places = [1, 2, 3, 4, 5]
print("about to look", file=sys.stderr)
numbers[0] = places[random.randrange(6)]
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": sum(numbers)}))
