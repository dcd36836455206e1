import json
import random
import time

numbers = [random.randint(1, 10**6) for _ in range(200)] + [time.time_ns() % 10**6]
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": sum(numbers)}))
