"""The house stands on its floors: imports point downward only, and importing the package is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import orbitscope

ROOT = Path(orbitscope.__file__).parent

LAYERS = {
    0: ["errors", "types", "config", "_text", "_json", "_checks", "_window_pca"],
    1: [
        "media",
        "_decoding",
        "encoding",
        "features",
        "systems",
        "store",
        "_atomic",
        "_untrusted",
        "_forecast_files",
        "_device",
    ],
    2: ["model", "losses", "training", "_plan", "inference", "embedding", "embedder", "comparators"],
    3: [
        "forecast",
        "evaluation",
        "scoreboard",
        "geometry",
        "agreement",
        "recurrence",
        "topology",
        "rhythm",
        "claims",
        "_statistics",
        "_nearest",
    ],
    4: ["plots", "plots_dynamics", "_plotstyle", "_pathplot", "_look", "_scene", "player", "render", "_raster"],
    5: ["pipeline", "scenes", "notebook", "study", "library", "app", "cli", "progress", "__main__"],
}
LAYER = {module: layer for layer, modules in LAYERS.items() for module in modules}
MAY_IMPORT = {0: {0}, 1: {0, 1}, 2: {0, 1, 2}, 3: {0, 3}, 4: {0, 1, 4}, 5: {0, 1, 2, 3, 4, 5}}
BESIDES = {"forecast": {"model", "embedding", "store", "_device"}}  # the nets of layer 2, and files


def layer_of(module):
    """Of a module or subpackage by its name; ``_plots_fonts`` lies where ``plots`` does. None: nowhere.

    The package itself and the names at its front door lead everywhere, so they lie on top.
    """
    if module in LAYER:
        return LAYER[module]
    if module in ("", "__version__", *orbitscope.__all__):
        return max(LAYERS)
    public = [name for name in LAYER if module.startswith("_") and module.lstrip("_").startswith(f"{name}_")]
    return LAYER[max(public, key=len)] if public else None


def imported(source, package=("orbitscope",)):
    """Modules of ours, by their first name below ``orbitscope``, that a source text in ``package`` imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        paths = []
        if isinstance(node, ast.Import):
            paths = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            paths = [[*base, alias.name] for alias in node.names]
        found |= {path[1] if len(path) > 1 else "" for path in paths if path[0] == "orbitscope"}
    return found


def faults(module, source, package=("orbitscope",)):
    """What is wrong with the imports of one module, in words."""
    layer = layer_of(module)
    if layer is None:
        return [f"{module} is not in the table of layers"]
    wrong = []
    for name in sorted(imported(source, package)):
        below = layer_of(name)
        if below not in MAY_IMPORT[layer] and name not in BESIDES.get(module, ()):
            wrong.append(f"{module} (layer {layer}) imports {name or 'the package itself'} (layer {below})")
    return wrong


def sources():
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts != ("__init__",):
            yield parts, path


def test_every_import_points_downward():
    read = list(sources())
    assert len(read) > 10
    wrong = [
        fault
        for parts, path in read
        for fault in faults(parts[0], path.read_text("utf-8"), ("orbitscope", *parts[:-1]))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_front_door_imports_nothing_by_itself():
    assert imported((ROOT / "__init__.py").read_text("utf-8")) == set()


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("features", "from .training import train"),
        ("features", "from . import training"),
        ("features", "import orbitscope.training"),
        ("features", "import orbitscope.training as t, numpy"),
        ("features", "from orbitscope import training"),
        ("features", "from orbitscope.training import train"),
        ("features", "def later():\n    if True:\n        from .cli import main"),
        ("_features_cqt", "from .training import train"),
        ("geometry", "from .store import read_orbit"),
        ("evaluation", "from .model import build"),
        ("forecast", "from .training import train"),
        ("plots", "from .geometry import turning_angle"),
        ("plots", "from .embedder import Embedder"),
        ("config", "from .store import read_orbit"),
        ("features", "from . import Embedder"),
        ("features", "import orbitscope"),
        ("gadgets", "import numpy"),
    ],
)
def test_an_upward_import_is_caught(module, source):
    assert len(faults(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("features", "from .types import Frames\nimport numpy.training"),
        ("embedder", "from . import inference, store"),
        ("forecast", "from .model import Predictor"),
        ("pipeline", "from . import plots, geometry, training"),
        ("_plots_fonts", "from .types import Frames"),
    ],
)
def test_a_downward_import_is_not(module, source):
    assert not faults(module, source)


def test_relative_imports_inside_a_subpackage():
    package = ("orbitscope", "forecast")
    assert imported("from ..training import train\nfrom .knn import KNN\nfrom . import mlp", package) == {
        "training",
        "forecast",
    }
    assert len(faults("forecast", "from ..training import train", package)) == 1
    assert not faults("forecast", "from ..model import build\nfrom .knn import KNN", package)


HEAVY = ("jax", "numpy", "sklearn", "matplotlib", "av", "librosa", "scipy", "equinox")


def test_importing_the_package_imports_nothing_heavy():
    code = f"""
import sys, orbitscope
print(*(name for name in {HEAVY} if name in sys.modules))
orbitscope.Embedder
print(*(name for name in {HEAVY} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = done.stdout.split("\n")[:2]
    assert before == ""
    assert {"jax", "numpy", "sklearn"} <= set(after.split())


def test_every_public_name_is_there():
    for name in orbitscope.__all__:
        assert getattr(orbitscope, name).__name__ == name or callable(getattr(orbitscope, name))
        assert name in dir(orbitscope)
    with pytest.raises(AttributeError, match="gadget"):
        orbitscope.gadget  # noqa: B018
