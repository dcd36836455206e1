"""Fixed vectors for the oracle test: pip install fsrs==6.3.2; python fsrs_vectors.py > fsrs_vectors.json"""
import json, random
from datetime import datetime, timedelta, timezone
from fsrs import Scheduler, Card, Rating

random.seed(632)
scheduler = Scheduler(desired_retention=0.9, learning_steps=(), relearning_steps=(), maximum_interval=36500, enable_fuzzing=False)
names = {Rating.Again: "again", Rating.Hard: "hard", Rating.Good: "good", Rating.Easy: "easy"}
cards = []
for n in range(40):
    now = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    card = Card(card_id=n + 1, due=now)
    answers = []
    for _ in range(12):
        rating = random.choices(list(names), weights=(2, 2, 5, 2))[0]
        card, _ = scheduler.review_card(card, rating, now)
        answers.append({"at": int(now.timestamp()), "rating": names[rating], "stability": card.stability,
                        "difficulty": card.difficulty, "due": int(card.due.timestamp())})
        # On time, late, early, or the same day.
        wait = (card.due - now).total_seconds()
        now += timedelta(seconds=int(random.choice((wait, wait * 1.7, wait * 0.4, 3600, wait + 40000))))
    cards.append(answers)
print(json.dumps(cards, indent=None))
