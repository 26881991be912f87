"""First stage: what happens when. Seeded schedules of intended times."""

from realtime_kit.schedule.schedule import Schedule, burst, periodic, poisson

__all__ = ["Schedule", "burst", "periodic", "poisson"]
