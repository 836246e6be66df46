"""The cost of a call from Python, against PyTorch's: one-element tensors, so the road is all there is.
Both alternate in one process; medians of the rounds are compared.

    PYTHONPATH=build/release/python build/venv/bin/python bench/python_call.py [ROUNDS]
"""

import statistics
import sys
import time

import torch

import entasis

CALLS = 20_000


def calls(function, a, b):
    for _ in range(CALLS):
        function(a, b)


def operators(_, a, b):
    for _ in range(CALLS):
        a + b


def loops(_, a, b):
    for _ in range(CALLS):
        pass


def seconds_a_call(run, function, a, b):
    start = time.perf_counter()
    run(function, a, b)
    return (time.perf_counter() - start) / CALLS


def main(rounds):
    torch.set_num_threads(1)
    rows = {"add(a, b)": (calls, False), "a + b": (operators, False),
            "add(a, b), recorded": (calls, True)}
    print(f"{'row':22} {'Entasis':>10} {'PyTorch':>10} {'ours / theirs':>14}")
    for name, (run, recorded) in rows.items():
        sides = [(entasis.add, entasis.ones(1), entasis.ones(1)),
                 (torch.add, torch.ones(1), torch.ones(1))]
        for _, a, _ in sides:
            a.requires_grad_(recorded)
        times = ([], [])
        for _ in range(rounds):
            empty = seconds_a_call(loops, None, None, None)
            for side, found in zip(sides, times):
                found.append(seconds_a_call(run, *side) - empty)
        ours, theirs = (statistics.median(found) * 1e9 for found in times)
        print(f"{name:22} {ours:7.0f} ns {theirs:7.0f} ns {ours / theirs:14.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
