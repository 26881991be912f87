"""The swarm: as many clients as a machine can hold, at a few microseconds a delivery."""

from realtime_kit.clients.swarm.crews import SwarmState
from realtime_kit.clients.swarm.plan import SwarmPlan, largest_swarm, plan_swarm
from realtime_kit.clients.swarm.reading import SWARM_TRANSPORTS
from realtime_kit.clients.swarm.swarm import REPEATED, Swarm

__all__ = ["REPEATED", "SWARM_TRANSPORTS", "Swarm", "SwarmPlan", "SwarmState", "largest_swarm", "plan_swarm"]
