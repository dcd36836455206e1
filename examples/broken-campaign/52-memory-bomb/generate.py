import json

numbers = [1]
while sum(numbers[:10]) < 10**9:
    numbers = numbers + numbers
print(json.dumps({"input": "\n".join(map(str, numbers)), "result": sum(numbers)}))
