import json
import random

words = {"".join(random.choices("abcdefgh", k=6)) for _ in range(200)}
first, *_ = words
print(json.dumps({"input": "\n".join(words), "result": first}))
