import datetime
import json
import random

today = datetime.date.today().isoformat()
number = random.randint(1, 10**6)
print(json.dumps({"input": f"{today}\n{number}", "result": number * 7919}))
