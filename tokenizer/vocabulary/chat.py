"""The chat template of our special tokens, in the Jinja dialect of transformers' ``apply_chat_template``.

    <|endoftext|><|system|>친절하게 답한다.<|end|><|user|>안녕?<|end|><|assistant|>안녕하세요.<|end|>

A turn is the token of its role, the text as it is and ``<|end|>``; no line ends stand between turns. Tools are listed
in the system turn as JSON, one a line; a call is a line of JSON in an assistant turn, and its result a turn of
``<|tool|>``.
"""

from tokenizer.vocabulary.vocabulary import END_OF_TURN, Vocabulary

ROLES = ("system", "user", "assistant", "tool")
"""Roles of a turn; each has a special token of its name."""

TEMPLATE = """\
{{- bos_token }}
{%- if tools %}
    {{- '<|system|>' }}
    {%- if messages and messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] + '\\n\\n' }}
    {%- endif %}
    {{- 'Tools, one a line; to call one, answer with a line {"name": NAME, "arguments": {...}}:' }}
    {%- for tool in tools %}
        {{- '\\n' + (tool | tojson) }}
    {%- endfor %}
    {{- '<|end|>' }}
{%- endif %}
{%- for message in messages %}
    {%- set role = message['role'] %}
    {%- if role not in ['system', 'user', 'assistant', 'tool'] %}
        {{- raise_exception('unknown role ' + role + '; the roles are system, user, assistant and tool') }}
    {%- endif %}
    {%- if not (tools and loop.first and role == 'system') %}
        {{- '<|' + role + '|>' }}
        {%- if message['content'] is string %}
            {{- message['content'] }}
        {%- elif message['content'] %}
            {%- for part in message['content'] %}
                {{- part['text'] }}
            {%- endfor %}
        {%- endif %}
        {%- if message['tool_calls'] %}
            {%- for call in message['tool_calls'] %}
                {%- if not loop.first or message['content'] %}
                    {{- '\\n' }}
                {%- endif %}
                {%- set function = call['function'] if call['function'] else call %}
                {{- '{"name": ' + (function['name'] | tojson) + ', "arguments": ' }}
                {%- if function['arguments'] is string %}
                    {{- function['arguments'] }}
                {%- else %}
                    {{- function['arguments'] | tojson }}
                {%- endif %}
                {{- '}' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|end|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>' }}
{%- endif %}
"""


def chat_template(vocabulary: Vocabulary) -> str | None:
    """The template that a vocabulary is saved with: its own, else ours if it has the tokens; else None."""
    needed = {*(f"<|{role}|>" for role in ROLES), END_OF_TURN}
    if vocabulary.chat_template is None and needed <= vocabulary.special_tokens.keys():
        return TEMPLATE
    return vocabulary.chat_template
