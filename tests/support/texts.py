"""Texts that several tests share."""

from samples import folder

HOSTILE = """</script><img src=x onerror="document.title='taken'"> {{ 7 * 7 }} <!-- 나는 집에 갔다 $a$ &amp;"""
"""A text that tries to leave the page it is shown on."""

LINES = [line for path in sorted(folder().glob("*.txt")) for line in path.read_text("utf-8").splitlines()]
"""The lines of the embedded sample."""
