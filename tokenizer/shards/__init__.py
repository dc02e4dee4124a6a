"""Token files for pretraining: flat, memory-mappable, checked, resumable."""

from tokenizer.shards.write import read_manifest, verify_shards, write_shards

__all__ = ["read_manifest", "verify_shards", "write_shards"]
