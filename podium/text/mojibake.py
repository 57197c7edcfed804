"""The step that mends text which was decoded with the wrong encoding."""

import ftfy

#: Only what is wrong is changed: quotes, ligatures, widths, entities, line ends and composition are other steps' or
#: nobody's.
SETTINGS = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    remove_control_chars=False,
    normalization=None,
    explain=False,
)


def mojibake(text: str) -> str:
    """Mend ``schÃ¶n`` to ``schön``: UTF-8 that was read as a one-byte encoding (ftfy, Speer 2019)."""
    return text if text.isascii() else ftfy.fix_text(text, SETTINGS)
