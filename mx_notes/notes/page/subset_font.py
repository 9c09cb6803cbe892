"""Cut a font down to the Chinese signs of the note's page, so that the page shows them where no such font is.

python -m mx_notes.notes.page.subset_font FONT.ttf > mx_notes/notes/page/chinese.css    # make font
"""

from __future__ import annotations

import base64
import io
import sys

from ..claim import HEADINGS, claims

LICENCE = (
    "/* From Droid Sans Fallback, © 2006-2010 Google Corp., Apache License 2.0; written by `make font`. */"
)


def signs() -> str:
    """Collect the signs of the page's Chinese texts, sorted, each once."""
    texts = [chinese for _, chinese in HEADINGS.values()]
    texts += [module.CLAIM.quote for module in claims().values()]
    return "".join(sorted({sign for text in texts for sign in text if not sign.isascii()}))


def style_sheet(font: str) -> str:
    """Write the rule that loads those signs of the font file from within the page itself."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options()
    options.hinting, options.flavor, options.layout_features = False, "woff", []
    cutter, whole = subset.Subsetter(options), TTFont(font)
    cutter.populate(text=signs())
    cutter.subset(whole)
    file = io.BytesIO()
    whole.flavor = "woff"  # compressed as zlib does; woff2 would be smaller and needs another package
    whole.save(file)
    source = f"url(data:font/woff;base64,{base64.b64encode(file.getvalue()).decode()})"
    signs_used = ", ".join(f"U+{ord(sign):X}" for sign in signs())
    return f"{LICENCE}\n@font-face {{ font-family: note; src: {source}; unicode-range: {signs_used}; }}\n"


if __name__ == "__main__":
    sys.stdout.write(style_sheet(sys.argv[1]))
