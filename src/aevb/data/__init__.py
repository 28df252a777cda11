"""Getting, verifying and splitting the data sets of config/datasets.yaml. Needs no TensorFlow."""

from aevb.data.cache import Cached, read_cache
from aevb.data.fetch import fetch
from aevb.data.load import Dataset, load
from aevb.data.record import available_path, unavailable_record, write_record

__all__ = [
    "Cached",
    "Dataset",
    "available_path",
    "fetch",
    "load",
    "read_cache",
    "unavailable_record",
    "write_record",
]
