"""Compiles protos/ into service/bonafides/v1, with typed stubs.

Hatchling calls it for wheels, the sdist and editable installs; `make protos`
calls `compile_protos` by itself. The output is git-ignored and never edited.

protovalidate ships the schema of its rules inside its wheel only, as a
descriptor, so the compiler is handed a descriptor set in place of that .proto
and the module made from it is moved into bonafides.v1: a top-level package
`buf` would clash with another project's copy.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    field_mask_pb2,
    timestamp_pb2,
)
from google.type import date_pb2
from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
_PACKAGE = Path("bonafides/v1")
_RULES = "buf/validate/validate.proto"
_IMPORTED = (descriptor_pb2, timestamp_pb2, duration_pb2, any_pb2, field_mask_pb2, date_pb2)


class ProtosBuildHook(BuildHookInterface):
    """Runs the compiler before hatchling collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, object]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compiles the protos; hatchling calls it once per target."""
        compile_protos(Path(self.root))


def compile_protos(root: Path = ROOT) -> None:
    """Writes service/bonafides/v1 and build/image.binpb, the image that buf reads.

    Raises:
        SystemExit: the compiler refused a file; it has printed why.
    """
    build = root / "build"
    staging = build / "protos"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True, exist_ok=True)
    descriptors = build / "imports.binpb"
    descriptors.write_bytes(_imported_descriptors())
    ours = sorted(str(_PACKAGE / p.name) for p in (root / "protos" / _PACKAGE).glob("*.proto"))
    common = ["protoc", f"--descriptor_set_in={descriptors}", f"-I{root / 'protos'}"]

    # The type plugins are console scripts of the interpreter that runs this.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    outputs = [f"--{kind}_out=quiet:{staging}" for kind in ("mypy", "mypy_grpc")]
    outputs += [f"--{kind}_out={staging}" for kind in ("python", "grpc_python")]
    _run([*common, *outputs, *ours, _RULES])
    _run(
        [*common, "--include_imports", "--include_source_info", f"-o{build / 'image.binpb'}", *ours]
    )

    target = root / "service" / _PACKAGE
    target.mkdir(parents=True, exist_ok=True)
    for stale in target.glob("*.py*"):
        stale.unlink()
    (target / "__init__.py").write_text('"""Compiled from protos/bonafides/v1; do not edit."""\n')
    for made in [
        *(staging / _PACKAGE).glob("*.py*"),
        *(staging / "buf/validate").glob("*_pb2.py*"),
    ]:
        if made.stem.endswith("_pb2_grpc") and not made.stem.endswith("_service_pb2_grpc"):
            continue  # Files without services compile to an empty module.
        text = made.read_text(encoding="utf-8")
        text = text.replace("from buf.validate import", "from bonafides.v1 import")
        text = text.replace("buf.validate.validate_pb2", "bonafides.v1.validate_pb2")
        (target / made.name).write_text(text, encoding="utf-8")


def _imported_descriptors() -> bytes:
    files = descriptor_pb2.FileDescriptorSet()
    for module in _IMPORTED:
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    return files.SerializeToString()


def _run(arguments: list[str]) -> None:
    if protoc.main(arguments) != 0:
        raise SystemExit(1)


if __name__ == "__main__":
    compile_protos()
