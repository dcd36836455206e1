import random


def generate(data):
    a, b, u = random.randint(2, 40), random.randint(2, 40), random.choice([6, 12, 24])
    data["params"] = {"a": a, "b": b, "u": u}
    data["correct_answers"] = {"r": a + b, "i": u / (a + b)}
