"""How the page looks: colours for light and dark, widths, print. Colours are text-safe (WCAG 2.2, contrast 4.5)."""

from podium.page.html import Html

LIGHT = {
    "paper": "#f6f5f2",
    "panel": "#ffffff",
    "ink": "#1a1d21",
    "soft": "#545b65",
    "line": "#dcdad4",
    "axis": "#7d838c",
    "on": "#ffffff",
    "c0": "#1d4f91",
    "c1": "#b0480f",
    "c2": "#1c7146",
    "c3": "#6b4fa0",
    "c4": "#00696f",
    "c5": "#9b2c68",
    "good": "#1c7146",
    "bad": "#b3261e",
}
DARK = {
    "paper": "#111418",
    "panel": "#1a1e24",
    "ink": "#e9ebee",
    "soft": "#abb3be",
    "line": "#333a44",
    "axis": "#89919c",
    "on": "#10141a",
    "c0": "#8cb8f2",
    "c1": "#f0a070",
    "c2": "#74cf9b",
    "c3": "#c3abf2",
    "c4": "#62cbd1",
    "c5": "#f19ccb",
    "good": "#74cf9b",
    "bad": "#ff9187",
}
"""Names of both; c0 to c5 are series, ``on`` is text on full c0."""


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


_RULES = """
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
a{color:var(--c0)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--c1);outline-offset:2px}
.skip{position:absolute;left:-999em}.skip:focus{left:1em;top:1em;background:var(--panel);padding:.5em}
header,main,footer{max-width:72rem;margin:0 auto;padding:0 1rem}
header{padding-top:2rem}
h1{font-size:1.9rem;line-height:1.2;margin:0}
h2{font-size:1.55rem;margin:3rem 0 .5rem}h3{font-size:1rem;margin:1.2rem 0 .4rem}
.part{font-size:1.15rem;margin:2.5rem 0 .5rem;padding-top:.6rem;border-top:1px solid var(--line)}
figcaption p.title,p.title{font-weight:650;font-size:1rem;color:var(--ink);margin:0}
p{margin:.4rem 0;max-width:75ch}
.lead{color:var(--soft);margin:.2rem 0 1rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem .9rem;padding:0;margin:.6rem 0}
nav{font-size:.9rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,9.6rem),1fr));gap:.8rem;
margin:1rem 0;padding:0}
.tile{background:var(--panel);border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}
.tile dt{color:var(--soft);font-size:.85rem}
.tile dd{margin:0}
.tile .big{font-size:1.5rem;font-weight:650;font-variant-numeric:tabular-nums}
.tile .small{color:var(--soft);font-size:.85rem}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:1rem;align-items:start;
margin:1rem 0}
figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:.6rem;padding:.9rem;min-width:0}
figure.wide{grid-column:1/-1}
figcaption p{color:var(--soft);font-size:.88rem;margin:.15rem 0 .5rem}
.drawing svg{display:block;width:100%;max-width:34rem;height:auto;margin:0 auto}
figure.wide .drawing svg{max-width:46rem}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:var(--ink)}
svg text{paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}svg .on,svg .bare{stroke:none}
svg .soft{fill:var(--soft)}svg .on{fill:var(--on)}svg .strong{font-weight:650}svg .tiny{font-size:10px}
svg .end{text-anchor:end}svg .mid{text-anchor:middle}
svg .dot{stroke:var(--panel);stroke-width:1}
svg .grid{stroke:var(--line);stroke-width:1}svg .axis{stroke:var(--axis);stroke-width:1}
svg .zero{stroke:var(--ink);stroke-width:1}
svg .open{fill:var(--panel)}
details{margin-top:.5rem}
summary{cursor:pointer;color:var(--soft);font-size:.88rem}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.88rem;margin:.5rem 0;min-width:50%}
caption{text-align:left;color:var(--soft);font-size:.85rem;padding-bottom:.3rem}
th,td{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.said{font-size:.92rem}
.name{font-weight:600}
.warn{border-left:.3rem solid var(--bad);padding:.3rem .8rem;background:var(--panel)}
.none{color:var(--soft);border-left:.3rem solid var(--line);padding:.2rem .8rem}
.cards{display:grid;gap:.7rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));padding:0;list-style:none}
.cards li{background:var(--panel);border:1px solid var(--line);border-radius:.6rem;padding:.6rem .8rem;min-width:0}
.cards p{margin:.25rem 0}
footer{color:var(--soft);font-size:.85rem;margin:3rem auto;padding-bottom:2rem}
@media(max-width:30rem){svg text{font-size:13px}svg .tiny{font-size:11px}.tile .big{font-size:1.25rem}}
@media print{body{background:#fff}figure,.tile,.cards li{break-inside:avoid}nav,.skip{display:none}
.scroll{overflow:visible}}
"""
_SERIES = "".join(f".c{k}{{--own:var(--c{k})}}" for k in range(6)) + (
    ".good{--own:var(--good)}.bad{--own:var(--bad)}.plain{--own:var(--soft)}"
    "svg .fill{fill:var(--own)}svg .stroke{stroke:var(--own);fill:none}svg text.own{fill:var(--own)}"
)


def sheet() -> Html:
    """The style sheet; print is in light colours."""
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
    return Html(f"<style>:root{{color-scheme:light dark;{_variables(LIGHT)}}}{dark}{_RULES}{_SERIES}</style>")
