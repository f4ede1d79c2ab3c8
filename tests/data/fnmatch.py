"""Asks CPython's fnmatch.fnmatchcase for its answers and writes them to fnmatch.txt, beside this file.

The first line is a JSON list of names. Every other line is a JSON pattern, a tab and a hexadecimal number whose bit i
says whether the pattern matches name i. Run it as `python3 fnmatch.py`; the same answers come out every time.
"""

import fnmatch
import itertools
import json
import pathlib
import random
import re
import warnings

warnings.simplefilter("ignore", FutureWarning)
random.seed(20261122)

NAMES = [
    "", "a", "b", "c", "z", "!", "-", "]", "[", "^", "*", "?", "\\", ".", "/", "\n", " ", "A", "ü", "é", "€", "🐟",
    "ab", "ba", "aa", "a-", "-a", "a!", "!a", "a]", "]a", "[a", "a^", "^a", "a\n", "\na", "a/b", "a.b", "ü€", "[]", "[!]",
    "[a]", "[a-c]", "abc", "a-b", "a-c", "cat-fed", "cat-", "cat", "Cat-fed", "cat_fed", "the-cat-fed", "cat.fed",
    "dog-fed", "fish-served", "aaaaab", "abab", "a&b", "&", "|", "~", "a~b", "--", "&&", "||",
]

# Every class of up to five of the characters that mean something in one, and of a few that mean nothing.
CLASS = "!-]az^c"
CLASSES = ["[" + "".join(body) + "]" for n in range(6) for body in itertools.product(CLASS, repeat=n)]
TOKENS = list("abcz*?[]!-^.\\/\n&~|ü€🐟") + ["*", "*", "?", "[", "]", "[!", "-", "cat", "fed"]
RANDOM = ["".join(random.choices(TOKENS, k=random.randint(0, 12))) for _ in range(6000)]
RANDOM_CLASSES = [
    random.choice(["", "a", "*", "?"]) + "[" + "".join(random.choices(TOKENS, k=random.randint(1, 8))) + "]"
    + random.choice(["", "a", "*", "?", "[!b]"])
    for _ in range(6000)
]
PROSE = ["cat*", "*fed", "*-*", "cat-???", "[cC]at*", "*[!d]", "c*t*f*d", "**", "", "[*]", "[?]", "[[]", "[]]", "[!]]", "[a-", "[", "[!"]


def answers(pattern):
    try:
        return sum(fnmatch.fnmatchcase(name, pattern) << i for i, name in enumerate(NAMES))
    except re.error:
        # CPython cannot compile what it made of the pattern itself: there is no answer to compare with.
        return None


def main():
    patterns = dict.fromkeys(PROSE + random.sample(CLASSES, 9000) + RANDOM + RANDOM_CLASSES)
    rows = [(p, answers(p)) for p in patterns]
    lines = [json.dumps(NAMES, ensure_ascii=False)]
    lines += [f"{json.dumps(p, ensure_ascii=False)}\t{bits:x}" for p, bits in rows if bits is not None]
    path = pathlib.Path(__file__).with_name("fnmatch.txt")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines) - 1} patterns, {(len(lines) - 1) * len(NAMES)} answers, {len(rows) - len(lines) + 1} refused")


if __name__ == "__main__":
    main()
