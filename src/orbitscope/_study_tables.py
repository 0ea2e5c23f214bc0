"""Every number of a study as rows of a table, and tables as CSV."""

import csv
import io
from collections.abc import Iterator

from .study import Study


def tables(study: Study) -> dict[str, list[dict]]:
    """Every number as rows: ``runs`` (one a model trained), ``divergence``, ``displacement``, ``scores``."""
    found = {"runs": [], "divergence": [], "displacement": [], "scores": []}
    for cell in study.cells:
        of = {"song": cell["song"], "model": cell["model"], "dims": cell["dims"], "window_s": cell["window_s"]}
        for run in cell["runs"]:
            key = of | {"seed": run["seed"]}
            found["runs"].append(key | run["shape"] | run["reconstruction"])
            for protocol, forecasters in run["divergence"].items():
                for name, numbers in forecasters.items():
                    where = key | {"protocol": protocol, "forecaster": name}
                    where |= {k: numbers[k] for k in ("initial_points", "radius", "valid_time_s")}
                    for series in ("mean", "standard_error", "low", "high"):
                        steps = {f"step_{k}": value for k, value in enumerate(numbers[series])}
                        found["divergence"].append(where | {"series": series} | steps)
            for name, numbers in run["displacement"].items():
                found["displacement"].append(key | {"forecaster": name} | numbers)
            for who, part in ((cell["model"], "scores"), ("R, low-passed", "scores_low_passed")):
                found["scores"] += [key | {"scored": who} | row for row in _score_rows(run.get(part, {}))]
        if cell["model"] == "R":
            for protocol, controls in cell["controls"].items():
                for name, forms in controls.items():
                    found["scores"] += [
                        of | {"model": "", "seed": "", "scored": name} | row for row in _score_rows({protocol: forms})
                    ]
    return found


def _score_rows(scores: dict) -> Iterator[dict]:
    for protocol, forms in scores.items():
        for form, values in forms.items():
            yield {"protocol": protocol, "form": form} | {f"k_{k}": value for k, value in values.items()}


def to_csv(rows: list[dict]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    return out.getvalue().encode("utf-8", "replace")
