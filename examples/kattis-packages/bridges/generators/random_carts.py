import random
import sys

random.seed(sys.argv[1])
weights = [random.randint(1, 900) for _ in range(random.randint(150, 200))]
print(len(weights), random.randint(900, 5000))
print(*weights)
