"""What comes from outside, under a fuzzer that follows the branches: `make fuzz` (atheris, from requirements-fuzz.lock).

`targets.TARGETS` names one function for each parser. Its outcome must be a result or a refusal that a person can read, within
a second of one core and 256 MB, without writing to the database. The suite runs each on a few inputs (`test_targets.py`), and
on every input that ever failed (`found.py`).
"""
