"""The audio thread before all others of the machine, where that is allowed."""

import os

# above every ordinary thread, and below the kernel's own, which serve the sound card at 50; the unit allows as much
REAL_TIME_PRIORITY = 10


def take_precedence() -> bool:
    """Gives the calling thread real-time priority, which programs that it starts do not inherit; False if it may not have it."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME_PRIORITY))
    except (OSError, AttributeError):
        # a user who may not, or a system that is not Linux
        return False
    return True
