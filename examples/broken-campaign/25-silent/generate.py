import random

numbers = [random.randint(1, 10**6) for _ in range(200)]
result = sum(numbers)
