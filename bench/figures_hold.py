# SPDX-License-Identifier: MIT OR Apache-2.0
"""What it costs to hold many mappings in one client, in front of our own gateway."""

import netns
from figures import figure
from lab import Lab
from measure import Row, Target, finish

FEW, MANY = 100, 10000
# A renewal takes microseconds, and so does what else the machine does to the caches: the two are
# timed in turns.
TURNS = 3
ROUNDS = 25  # of bench-hold


def hold(job, count):
    """What bench-hold says: {name: [number]}."""
    with Lab(job.tools) as lab:
        lab.start_gateway("--no-upnp")
        with netns.inside(lab.names["client"]):
            text = netns.run([job.programs.hold, str(count)])
    return {words[0]: [float(word) for word in words[1:]]
            for words in map(str.split, text.splitlines())}


@figure("hold", "10,000 mappings held: memory, cost of a renewal, wake-ups")
def held(job):
    if not job.programs.hold:
        return []
    few, many = {}, {}
    for _ in range(TURNS):
        for told, count in ((few, FEW), (many, MANY)):
            for name, numbers in hold(job, count).items():
                told.setdefault(name, []).extend(numbers)
    runs, rounds = [TURNS] * 2, [TURNS * ROUNDS] * 2
    memory = Row("porthole: bytes for each", many["bytes_each"], *runs, unit="")
    wakes = Row("porthole: wake-ups in 3 s", many["wakes"], *runs, unit="")
    floor = Row(f"floor: us for a renewal, {FEW} held", few["renewal_us"], *rounds, unit="")
    renewal = Row(f"porthole: us for a renewal, {MANY} held", many["renewal_us"], *rounds, unit="")
    finish([memory], Target(512, unit="bytes"))
    finish([wakes], Target(0, unit=""))
    finish([floor, renewal], Target(1.2, ratio=True))
    return [memory, wakes, floor, renewal]
