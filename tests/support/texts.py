"""Texts that several tests share."""

HOSTILE = """</script><img src=x onerror="document.title='taken'"> {{ 7 * 7 }} <!-- 나는 집에 갔다 $a$ &amp;"""
"""A text that tries to leave the page it is shown on."""
