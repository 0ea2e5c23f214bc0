"""Forecasters of trajectories, of one signature: ``fit(trajectories)``, ``forecast(context, steps)``.

forecaster = KNNForecaster(neighbors=5).fit(trajectory)
points = forecaster.forecast(trajectory.points[None, :100], steps=30)     # (1, 31, latent_dim)
"""

from ._base import Forecaster
from .baselines import LinearForecaster, MeanForecaster, PersistenceForecaster
from .joint import JointForecaster
from .neighbors import AnalogForecaster, KNNForecaster
from .nets import LSTMForecaster, MLPForecaster
from .reservoir import ReservoirForecaster
from .smap import SMapForecaster

__all__ = [
    "AnalogForecaster",
    "Forecaster",
    "JointForecaster",
    "KNNForecaster",
    "LSTMForecaster",
    "LinearForecaster",
    "MLPForecaster",
    "MeanForecaster",
    "PersistenceForecaster",
    "ReservoirForecaster",
    "SMapForecaster",
]
