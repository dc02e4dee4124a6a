"""Judging a model in Korean with EleutherAI's lm-evaluation-harness (Gao et al.), by `gyeol evaluate`.

The harness brings the tasks and their metrics; `harness` is the model that it asks, `files` its tasks with data from a
folder, `evaluating` the whole of it. It needs the extra ``eval``.
"""
