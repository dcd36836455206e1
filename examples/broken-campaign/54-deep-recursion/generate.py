import json


def total(number):
    return number + total(number + 1)


print(json.dumps({"input": "1", "result": total(1)}))
