import json
import os

numbers = list(os.urandom(200))
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": sum(numbers)}))
