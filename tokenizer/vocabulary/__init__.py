"""A vocabulary: tokens, merges and special tokens, and its saved form."""

from tokenizer.vocabulary.byte_level import from_unicode as from_unicode
from tokenizer.vocabulary.byte_level import to_unicode as to_unicode
from tokenizer.vocabulary.card import LICENCE as LICENCE
from tokenizer.vocabulary.chat import chat_template as chat_template
from tokenizer.vocabulary.folder import TOKENIZER_FOLDER as TOKENIZER_FOLDER
from tokenizer.vocabulary.folder import load_vocabulary as load_vocabulary
from tokenizer.vocabulary.folder import save_vocabulary as save_vocabulary
from tokenizer.vocabulary.tiktoken_folder import save_tiktoken as save_tiktoken
from tokenizer.vocabulary.tiktoken_ranks import vocabulary_of_ranks as vocabulary_of_ranks
from tokenizer.vocabulary.vocabulary import END_OF_TEXT as END_OF_TEXT
from tokenizer.vocabulary.vocabulary import PADDING as PADDING
from tokenizer.vocabulary.vocabulary import Vocabulary as Vocabulary
from tokenizer.vocabulary.vocabulary import build as build
from tokenizer.vocabulary.vocabulary import default_special_tokens as default_special_tokens
