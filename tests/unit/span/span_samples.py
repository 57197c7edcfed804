"""Small questions on small contexts: who lives where, and what they eat since when."""

import numpy as np
import pandas as pd

from podium.span.answers import Answer, encode

NAMES = ["Anna", "Boris", "Clara", "David", "Emma", "Frank", "Greta", "Henry", "Irene", "Jonas"]
CITIES = ["Oslo", "Paris", "Rome", "Vienna", "Old Town", "New York City", "Cairo", "Lima"]
FOODS = ["apples", "brown bread", "green tea", "rice", "soup of the day", "cheese"]


def facts(count: int, *, seed: int = 0, silent: float = 0.0) -> tuple[pd.DataFrame, list[str]]:
    """Questions about one of the persons of a context, two on each context; some persons are not in theirs."""
    random = np.random.default_rng(seed)
    rows, targets = [], []
    for number in range(count):
        if number % 2 == 0:
            people = random.permutation(NAMES)[:4].tolist()
            lines = {}
            for person in people:
                year, food = str(random.integers(1900, 2020)), str(random.choice(FOODS))
                lines[person] = (
                    f"{person} lives in {random.choice(CITIES)}, by the river.",
                    f"Since {year} {person} has eaten {food} every day.",
                )
            order = random.permutation([(person, which) for person in people for which in "01"]).tolist()
            context = " ".join(lines[person][int(which)] for person, which in order)
        person = str(random.choice(people))
        sort = int(random.integers(3))
        asked = [
            f"Where does {person} live?",
            f"Since when has {person} eaten?",
            f"What has {person} eaten?",
        ][sort]
        home, meal = lines[person]
        line = home if sort == 0 else meal
        text = [home[len(person) + 10 : -len(", by the river.")], meal[6:10], meal.split(" eaten ")[1][:-11]][
            sort
        ]
        start = context.index(line) + line.index(text)
        answers = [Answer(start, start + len(text), text)]
        if random.random() < silent:
            answers, asked = [], asked.replace(person, "Xaver")
        rows.append({"id": f"q{number}", "text_a": asked, "text_b": context, "group": f"p{number // 2}"})
        targets.append(encode(answers))
    return pd.DataFrame(rows, dtype="str"), targets
