"""A week of faults in virtual time ends with the bits of an undisturbed run, every invariant kept at every event.

The whole of it (1,000 workers, 100 seeds) is benchmarks/coordinator_simulation.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from audit import Audit, Reference, reference_for
from fitting_toy import GROUPS, SPACE, bits, differing
from week import Week

from rallax.fitting import Coordinator, DispatchPolicy


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_for(blocks=40, steps=4, poisoned=[(3, 1), (11, 0), (20, 1), (30, 0)])


@pytest.mark.parametrize("seed", range(3))
def test_a_week_of_faults_changes_no_bit(reference: Reference, seed: int) -> None:
    week = Week(reference, seed, workers=64, item_hours=4.0, restarts=2)
    coordinator = week.run()
    week.audit.everything()
    assert differing(bits(coordinator, week.store), reference.bits) == []
    assert reference.quarantined == {7, 22, 41, 60}
    assert (
        week.audit.events > 2000 and {"machine taken away", "item duplicated", "start given up"} <= week.faults.keys()
    )


def test_the_audit_sees_an_item_at_other_parameters(reference: Reference) -> None:
    audit = Audit(Coordinator(reference.settings, SPACE, GROUPS, DispatchPolicy(workers=1)), reference)
    audit.coordinator._draws[0] = np.nextafter(audit.coordinator._draws[0], 1.0)
    with pytest.raises(AssertionError, match="at other parameters"):
        audit.begin(0.0)


def test_the_audit_sees_a_lane_that_is_lost(reference: Reference) -> None:
    audit = Audit(Coordinator(reference.settings, SPACE, GROUPS, DispatchPolicy(workers=1)), reference)
    audit.begin(0.0)
    audit.coordinator.dispatcher.backlog.queue.popleft()
    with pytest.raises(AssertionError, match="is lost"):
        audit.everything()
    audit.touched = {("candidates", 0, 0)}
    with pytest.raises(AssertionError, match="is lost"):
        audit._after([], None)
