"""What a model is made of: files by their role, each with the hash that it must have.

Owns the roles. Refuses to look for files or to read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stepcheck.errors import ModelError

Role = Literal["backbone", "head", "reference", "adapter"]
"""The backbone is a GGUF, the head a few tensors of its own, the reference another GGUF that a ratio is taken to, the
adapter a LoRA (GGUF too) that the backbone is read with."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A file: where it is, and the sha256 that it must have."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """All files of one model, by role."""

    parts: Mapping[Role, Pinned]

    def __getitem__(self, role: Role) -> Pinned:
        if role not in self.parts:
            raise ModelError(f"no {role} is among the model's files: {', '.join(self.parts) or 'there are none'}")
        return self.parts[role]

    def __contains__(self, role: object) -> bool:
        return role in self.parts
