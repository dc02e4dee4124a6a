"""The Korean tasks of the harness, and what each measures."""

from typing import NamedTuple


class KoreanTask(NamedTuple):
    """A task or group of the harness."""

    name: str
    measures: str
    korean: str
    """What it measures, in Korean."""


KOREAN_TASKS = (
    KoreanTask(
        "kobest", "reading, cause and effect, endings, sentiment, word senses", "독해, 인과, 이어질 문장, 감정, 동형어"
    ),
    KoreanTask("kmmlu", "knowledge: 45 subjects of Korean examinations", "지식: 한국 시험 45과목"),
    KoreanTask("kmmlu_hard", "the hardest items of KMMLU", "KMMLU에서 어려운 문항"),
    KoreanTask("kmmlu_direct", "KMMLU, the letter of the answer generated", "KMMLU, 답의 글자를 생성"),
    KoreanTask("click", "language and culture of Korea", "한국어와 한국 문화"),
    KoreanTask(
        "haerae",
        "loan words, rare words, names, history, general knowledge",
        "외래어, 어려운 낱말, 표준 용어, 역사, 상식",
    ),
    KoreanTask("hrm8k", "mathematics in Korean", "한국어 수학"),
    KoreanTask("kormedmcqa", "medicine, nursing, pharmacy, dentistry", "의사, 간호사, 약사, 치과 의사 시험"),
    KoreanTask("gyeol_nsmc", "sentiment of film reviews (NSMC)", "영화평의 긍정과 부정(NSMC)"),
    KoreanTask("gyeol_klue_nli", "inference between sentences (KLUE-NLI)", "문장 사이의 추론(KLUE-NLI)"),
    KoreanTask("gyeol_klue_ynat", "topics of headlines (KLUE-YNAT)", "기사 제목의 주제(KLUE-YNAT)"),
    KoreanTask(
        "gyeol_pairs",
        "grammar: minimal pairs of this project, 12 phenomena",
        "문법: 이 프로젝트의 최소 대립 쌍, 12가지 현상",
    ),
)
