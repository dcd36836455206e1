import random
import sys

random.seed(int(sys.argv[1]))
numbers = [random.randint(1, 10**6) for _ in range(300)]
a, b = random.sample(range(300), 2)
print(numbers[a] + numbers[b])
print(*numbers)
