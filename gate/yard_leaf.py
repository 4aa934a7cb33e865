"""The leaf of the simulated yard: one mass on one rail, in SI units.

    mass · a = motor + push + wind + slope + squeezed edges - resistance

- A leaf of 400 kg runs at 0.5 m/s; its way is as long as it takes to travel it in the time asked for, so a leaf that
  is "fast" in a test is a short one, and what limits and edges measure in metres stays true.
- The motor holds its speed: 6 kN for each m/s that it falls behind, at most 900 N. Unpowered, its gear is a brake of
  600 N, so a leaf at full speed coasts for some 0.3 s and 7 cm, and only a hard push moves one that stands.
- Rolling takes 120 N, against whichever way it goes. `slope` is metres per metre, positive downhill towards open;
  wind and push are newtons, positive towards open, and nobody pushes faster than they walk.
- Both ends and whatever stands in the way meet a rubber safety edge, 6 cm thick: 5 N for each mm, then it is hard.
- Pulled free (`free`), the leaf knows neither motor nor brake.

`at_m` is 0 where the edge touches the post and `length_m` fully open; squeezing takes it up to 6 cm beyond either.
"""

from __future__ import annotations

MASS_KG = 400.0
CRUISE_M_S = 0.5
FRICTION_N = 120.0
BRAKE_N = 600.0
MOTOR_N = 900.0
GRIP_N_S_M = 6000.0
TARGET_M_S = CRUISE_M_S + FRICTION_N / GRIP_N_S_M
WALK_M_S = 0.7
GRAVITY_M_S2 = 9.81
EDGE_M = 0.06
EDGE_N_M = 5000.0
EDGE_TRIPS_M = 0.015
EDGE_LETS_GO_M = 0.010
LONGEST_STEP_S = 0.010
SHORTEST_TRAVEL_S = 1.0


class Leaf:
    """Where it is, how fast, and what acts on it. Metres, newtons, seconds; towards open is positive.

    `post_m` is where its closing edge meets something: 0 is the post, more is a thing in the gateway.
    """

    __slots__ = ("at_m", "edge_trips", "free", "length_m", "post_m", "push_n", "slope", "speed_m_s", "wind_n")

    def __init__(self, travel_s: float) -> None:
        if not travel_s >= SHORTEST_TRAVEL_S:
            raise ValueError(f"travel_s is {travel_s}: a leaf needs at least {SHORTEST_TRAVEL_S} s for its way")
        self.length_m = CRUISE_M_S * travel_s
        self.at_m = 0.0
        self.speed_m_s = 0.0
        self.slope = 0.0
        self.wind_n = 0.0
        self.push_n = 0.0
        self.free = False
        self.post_m = 0.0
        self.edge_trips = False

    def step(self, dt_s: float, drive: int) -> None:
        """Let at most `LONGEST_STEP_S` go by with the motor pulling towards open (1), closed (-1) or not at all (0)."""
        at_m, speed = self.at_m, self.speed_m_s
        force = self.wind_n + MASS_KG * GRAVITY_M_S2 * self.slope
        if self.push_n:
            force += self._push(speed)
        resistance = FRICTION_N
        if not self.free:
            if drive:
                pull = GRIP_N_S_M * (drive * TARGET_M_S - speed)
                force += max(-MOTOR_N, min(MOTOR_N, pull))
            else:
                resistance += BRAKE_N
        if at_m < self.post_m or at_m > self.length_m:
            force += self._squeeze(at_m)
        elif self.edge_trips:
            self.edge_trips = False
        if speed == 0.0 and -resistance <= force <= resistance:
            return
        against = resistance if speed > 0.0 or (speed == 0.0 and force > 0.0) else -resistance
        faster = speed + (force - against) / MASS_KG * dt_s
        if faster * speed < 0.0 and -resistance <= force <= resistance:
            faster = 0.0
        self.speed_m_s = faster
        self._arrive(at_m, at_m + faster * dt_s)

    def _arrive(self, from_m: float, to_m: float) -> None:
        """Go there, or as far as edges squeezed flat allow; what is hard takes all speed."""
        least_m = self.post_m - EDGE_M
        if to_m < least_m:
            to_m, self.speed_m_s = min(from_m, least_m), 0.0
        elif to_m > self.length_m + EDGE_M:
            to_m, self.speed_m_s = self.length_m + EDGE_M, 0.0
        self.at_m = to_m

    def _push(self, speed: float) -> float:
        """Return what a push still gives at this speed: nothing at the pace of a quick walk."""
        ahead = speed if self.push_n > 0 else -speed
        return self.push_n * (1.0 - max(0.0, min(1.0, ahead / WALK_M_S)))

    def _squeeze(self, at_m: float) -> float:
        """Return how an edge pushes back, and tell whether it is squeezed far enough to trip."""
        closing = at_m < self.post_m
        depth_m = min(EDGE_M, self.post_m - at_m if closing else at_m - self.length_m)
        self.edge_trips = depth_m >= (EDGE_LETS_GO_M if self.edge_trips else EDGE_TRIPS_M)
        return EDGE_N_M * (depth_m if closing else -depth_m)
