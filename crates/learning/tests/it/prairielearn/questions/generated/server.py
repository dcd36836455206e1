import random


def generate(data):
    data["params"]["i"] = random.randint(2, 9)
    data["params"]["u"] = random.choice([6, 12, 24, 230])
    data["correct_answers"]["p"] = data["params"]["i"] * data["params"]["u"]


def parse(data):
    pass
