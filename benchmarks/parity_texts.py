"""Texts on which two engines are compared that should give the same ids: every kind of character, short and long."""

from itertools import pairwise

import samples

_DIGITS = "3141592653589793238462643383279502884197"
_PHRASES = [
    "나는 결을 따라 나무를 다듬는다.",
    '"결"을, 따라 간다! 정말? 그렇다…',
    "ㅋㅋㅋㅋㅋㅋ ㅠㅠ ㅎㅎ 아ㅏㅏ",
    "값은 1,234,567원이고 3.14%, 2025년 12월 31일 23:59",
    "제3회 5시 30분에 만나요. 010-1234-5678",
    "훈민정음 나랏말ᄊᆞ미 듕귁에 달아",
    "漢字와 한글을 섞어 쓴 文章",
    "The quick brown fox doesn't jump; it's LAZY, we'll see, I'M, they'RE, you'd",
    "camelCase PascalCase snake_case SCREAMING_CASE HTTPServer2Go",
    "naïve café résumé Ångström ÉCOLE École straße ǅ",
    'def f(x: int) -> str: return f"{x!r}"  # 주석',
    "for (int i = 0; i < 10; ++i) { a[i] += *p++; }",
    "SELECT * FROM 표 WHERE 이름 = '결' AND n >= 10;",
    "https://example.org/가/나?q=1&r=%EA%B0%80#z /usr/bin/env ./a/../b",
    '$ git commit -m "결" && echo "$HOME" | grep -E \'^[a-z]+$\'',
    '{"키": [1, 2.5, null, true], "a": {"b": "\\n"}}',
    '<p class="x">안녕 &amp; 하세요</p>',
    "E = mc² ½ ⅓ Ⅷ ① ㈜ ㎏ ∑∫√∞≠≤≥ α+β=γ",
    "١٢٣٤٥ ०१२३४५ ๑๒๓ １２３４５ 𝟙𝟚𝟛",
    "日本語のテキスト、カタカナと漢字。",
    "中文文本，没有空格。",
    "Русский текст, ЗАГЛАВНЫЕ и строчные; приветМир",
    "Ελληνικά κείμενο ΑΒΓ",
    "טקסט בעברית עם סימנים",
    "نص عربي مع علامات، ١٢٣",
    "हिन्दी में पाठ और संयुक्ताक्षर",
    "ข้อความภาษาไทยไม่มีช่องว่าง",
    "Tiếng Việt có dấu: ấ ề ộ ữ",
    "ქართული Հայերեն አማርኛ",
    "👍 👍🏽 👩‍👩‍👧‍👦 🇰🇷 ❤️ ☺ 🫠",
    "<|endoftext|> <|end|> <|user|> [INST] </s> <s>",
    "line one\r\nline two\rline three\n\n\nline four",
    "tab\tseparated\t\tvalues \t mixed",
    " leading,  double,   triple and trailing   ",
    "ends with newline\n",
    "\n starts with one\n \n  \n",
    "\u3000전각\u3000공백\u00a0좁은\u2009공백\u2003\u200b폭없음\ufeff",
    "\x00\x01\x02 \x1b[31m빨강\x1b[0m \x7f \x80\x85\x9f",
    "e\u0301 a\u0308\u0323 \u0301alone \u1100\u1161\u11a8 \uac00\u11a8",
    "\ue000\U000f0000\U0010ffff\ufffd\ufffe\uffff\u0378",
    "\u202eright to left\u202c \u200e\u200f \u2066x\u2069",
    "!!! ??? ... ,,, ;;; --- ___ === ~~~ ```` ''' \"\"\"",
    "(1) [2] {3} <4> 「5」 『6』 《7》 «8» “9” ‘0’",
    "a.b.c 1.2.3 v1.0.0-rc.1 192.168.000.001 12:34:56.789 -1e-10 0xDEADBEEF",
    "1년2월3일4시5분6초7개8명9원10만11억12조13%14번15회",
    "3 .5 . 6 ! 7 ? 8 , 9 : 10  11   12\n13\t14",
]
_CHARACTERS = (
    "\0\t\n\v\f\r\x1c \x7f\x85\xa0\xad\u1680\u180e\u2007\u200b\u200d\u2028\u2029\u202f\u205f\u3000\ufe0f\ufeff"
    "İŉſǅʰ\u0301\u0345\u0600١ि\u0e31\u1100\u1160\u11a8’Ⅰ①〇ㄱ一가힣\ud7b0１ﾡ𐑐𝟘😀🇰𠀀\U000e0100"
)


def parity_texts() -> list[str]:
    """Some 500 texts: lines and passages of `samples`, runs of digits of every length up to 40, code, emoji, white
    space, control characters, phrases in many scripts, and odd characters between letters, digits and spaces."""
    texts = ["", " ", "  ", "\n", "\r\n", "\t", "a", "가", "1", "."]
    texts += [_DIGITS[:size] for size in range(1, 41)]
    texts += [f"값 {_DIGITS[:size]}원, 0{_DIGITS[:size]}.{_DIGITS[:size]}년" for size in range(1, 21)]
    texts += _PHRASES
    texts += [f"{left} {right}" for left, right in pairwise(_PHRASES)]
    texts += [f"가{odd}나 {odd}A{odd}b1{odd}2{odd}{odd} {odd}\n{odd}" for odd in _CHARACTERS]
    for path in sorted(samples.folder().glob("*.txt")):
        content = path.read_text("utf-8")
        texts += content.splitlines(keepends=True)[:25]
        texts += [content[:3000], content]
    return list(dict.fromkeys(texts))
