import json

import christmas_helpers

numbers = christmas_helpers.numbers()
print(json.dumps({"input": numbers, "result": sum(numbers)}))
