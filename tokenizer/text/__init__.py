"""Text as UTF-8 for the kernels, its character classes, and long texts cut into pieces."""

from tokenizer.text.cutting import batches as batches
from tokenizer.text.line_sample import LineSample as LineSample
from tokenizer.text.line_sample import LineSampler as LineSampler
from tokenizer.text.line_sample import joined_samples as joined_samples
from tokenizer.text.unicode import HANGUL as HANGUL
from tokenizer.text.unicode import LETTER as LETTER
from tokenizer.text.unicode import LOWER as LOWER
from tokenizer.text.unicode import NEWLINE as NEWLINE
from tokenizer.text.unicode import SPACE as SPACE
from tokenizer.text.unicode import UPPER as UPPER
from tokenizer.text.unicode import are_hangul as are_hangul
from tokenizer.text.unicode import class_table as class_table
from tokenizer.text.unicode import has_hangul as has_hangul
from tokenizer.text.utf8 import to_utf8 as to_utf8
