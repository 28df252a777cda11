"""Where the files of the checkout are that nothing makes: the schemas, the paper's curves, the
configuration that is shipped. Results, data and a person's own configuration lie in the working
directory, which may be any other."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "workflow" / "schemas"
RESOURCES = ROOT / "resources"


def configuration_file(name: str) -> Path:
    """``config/<name>`` of the working directory; where it has none, the checkout's."""
    own = Path("config", name)
    return own if own.exists() else ROOT / own
