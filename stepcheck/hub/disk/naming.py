"""How a model and its files are called.

Owns the names in a models folder. Refuses a name that could not name a file on every system.
"""

import re
from pathlib import Path

from stepcheck.errors import ModelError
from stepcheck.prm.card import NAME, Files


def default_name(source: str, weight_type: str) -> str:
    """Return what a model is called that is made of `source` in this type."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', source).strip('._-') or 'model'}-{weight_type}"


def check_model_name(name: str) -> str:
    """Return the name of a model, which names its files too.

    Raises:
        ModelError: it could not name a file everywhere.
    """
    if not NAME.fullmatch(name):
        raise ModelError(
            f"{name!r} cannot name a model: letters, digits, '.', '_' and '-' only, a letter or digit first"
        )
    return name


def file_names(name: str, backbone_sha256: str, head_sha256: str, adapter_sha256: str = "") -> Files:
    """Name a model's files, which lie beside its card; an adapter where there is a hash of one."""
    return Files(
        backbone=f"{name}.gguf",
        backbone_sha256=backbone_sha256,
        head=f"{name}.head.safetensors",
        head_sha256=head_sha256,
        adapter=f"{name}.lora.gguf" if adapter_sha256 else "",
        adapter_sha256=adapter_sha256,
    )


def staging_of(folder: Path, name: str) -> Path:
    """Return where a pull of the model `name` works."""
    return folder / f".pulling-{name}"
