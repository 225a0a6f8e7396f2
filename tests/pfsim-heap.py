#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# pfsim-heap.py: does pfsim-heap (argument) take equal times apart as heapq does?
import heapq
import random
import subprocess
import sys


class Event:
    def __init__(self, time, number):
        self.time, self.number = time, number

    def __lt__(self, other):
        return self.time < other.time


random.seed(5)
heap, lines, expected = [], [], []
for number in range(20000):
    if heap and random.random() < 0.45:
        lines.append("pop")
        expected.append(heapq.heappop(heap).number)
    else:
        time = random.choice([0, 0.5, 1, 2, 3, 1e-3, 7.25])
        lines.append(f"{time} {number}")
        heapq.heappush(heap, Event(time, number))
while heap:
    lines.append("pop")
    expected.append(heapq.heappop(heap).number)
run = subprocess.run(sys.argv[1:], input="\n".join(lines) + "\n", text=True, capture_output=True)
sys.exit(0 if [int(line) for line in run.stdout.split()] == expected else 1)
