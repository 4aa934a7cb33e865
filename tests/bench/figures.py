"""How figures are summed up."""

from __future__ import annotations

import statistics


def quantiles(name: str, values: list[float], unit: str = "ms") -> dict[str, float]:
    """Return p50, p99 and the maximum of `values`, named; nothing of nothing."""
    if len(values) < 2:
        return {f"{name}_max_{unit}": max(values, default=0.0)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        f"{name}_count": len(values),
        f"{name}_p50_{unit}": round(cuts[49], 2),
        f"{name}_p99_{unit}": round(cuts[98], 2),
        f"{name}_max_{unit}": round(max(values), 2),
    }
