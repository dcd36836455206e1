import random


def generate(data):
    watts = random.sample(range(5, 100), 4)
    data["params"]["lamps"] = [{"watts": w, "brightest": "true" if w == max(watts) else "false"} for w in watts]
