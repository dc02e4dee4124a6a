"""Token files for pretraining: flat, memory-mappable, checked, resumable."""

from tokenizer.shards.manifest import MANIFEST, SHARD_FOLDER, describe_shards, read_manifest, tokenizer_folder
from tokenizer.shards.read import ShardFolder, verify_shards
from tokenizer.shards.write import write_shards

__all__ = [
    "MANIFEST",
    "SHARD_FOLDER",
    "ShardFolder",
    "describe_shards",
    "read_manifest",
    "tokenizer_folder",
    "verify_shards",
    "write_shards",
]
