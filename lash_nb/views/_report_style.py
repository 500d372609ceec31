"""How a report looks: one style sheet, light and dark by the reader's own setting, light on paper.

The sheet holds nothing of the trace. Its colors are those of all views.
"""

from dataclasses import fields
from typing import Final

from lash_nb.plots import DARK, KIND_COLORS, LIGHT, Theme

__all__ = ["STYLE"]


def _variables(theme: Theme) -> str:
    return "".join(f"--{field.name.replace('_', '-')}:{getattr(theme, field.name)};" for field in fields(theme))


_KINDS: Final = "".join(f".{kind}{{--kind:{color}}}" for kind, color in KIND_COLORS.items())

_RULES: Final = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:20px 24px 48px;background:var(--surface);color:var(--ink);
font:13px/20px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:20px;line-height:28px;font-weight:600;margin:0 0 4px}
h2{font-size:15px;line-height:22px;font-weight:600;margin:28px 0 8px}
p{margin:4px 0}
small,.muted,th,.head{font-size:11px;line-height:16px;color:var(--muted);font-weight:400}
code,pre,.mono{font:12px/17px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{margin:4px 0;padding:6px 8px;background:var(--sunk);white-space:pre-wrap;border-radius:3px}
a{color:inherit;text-underline-offset:2px}
.bad{color:var(--failure-text)}
.bar{background:var(--failure-surface);padding:6px 12px;border-radius:3px;margin:8px 0}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:8px 0}
.facts dt{color:var(--muted)}.facts dd{margin:0}
table{border-collapse:collapse;width:100%;font-size:12px;font-variant-numeric:tabular-nums;margin:4px 0 12px}
th,td{overflow-wrap:break-word;text-align:left;vertical-align:top;padding:3px 12px 3px 0;border-bottom:1px solid var(--line)}
th{border-color:var(--line-strong)}
th{white-space:nowrap}td.n,th.n{text-align:right;white-space:nowrap}
td.what{width:100%;min-width:9em}td.k{white-space:nowrap}
.quiet{color:var(--muted)}
.wide{overflow-x:auto;background:linear-gradient(90deg,var(--surface) 40%,transparent),linear-gradient(270deg,var(--surface) 40%,transparent) 100% 0,
linear-gradient(90deg,var(--line-strong),transparent),linear-gradient(270deg,var(--line-strong),transparent) 100% 0;
background-size:40px 100%,40px 100%,10px 100%,10px 100%;background-repeat:no-repeat;background-attachment:local,local,scroll,scroll}
.range,.track{position:relative;display:block;height:11px;min-width:120px}.range{margin-top:5px}
.range i{position:absolute;top:4px;height:3px;background:var(--kind)}
.range b,.range u,.range s{position:absolute;top:1px;height:9px;width:9px;margin-left:-4px;background:var(--kind);border:1px solid var(--ink)}
.range b{border-radius:50%}.range u{width:3px;margin-left:-1px;background:var(--ink)}.range s{background:var(--surface);transform:rotate(45deg) scale(.8)}
.track{align-self:center;background:var(--sunk)}
.track i{position:absolute;top:0;height:11px;min-width:3px;background:var(--kind);border:1px solid var(--edge)}
.track i.no{background:repeating-linear-gradient(135deg,var(--kind) 0 3px,var(--surface) 3px 5px);border-color:var(--failure)}
.step>.k::before{content:"";display:inline-block;width:9px;height:9px;background:var(--kind);border:1px solid var(--edge);margin-right:6px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--muted);font-size:11px}svg .bad{fill:var(--failure-text)}
svg .fill{fill:var(--kind);stroke:var(--edge);stroke-width:.5}svg .grid{stroke:var(--line)}svg .tick{stroke:var(--muted)}
details>summary{cursor:pointer}
.turn,.head{border-bottom:1px solid var(--line)}
.turn>summary,.head{display:grid;grid-template-columns:52px 150px 1fr 48px 48px 104px 84px;gap:8px;padding:3px 0;list-style:none;
font-variant-numeric:tabular-nums}
.turn>summary::-webkit-details-marker{display:none}
.turn>summary:hover,.turn[open]>summary{background:var(--sunk)}
.turn>summary>*,.head>*{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.turn>summary>u,.head>u{text-decoration:none;text-align:right}
.turn>summary>b::before{content:"▸ ";color:var(--muted);font-weight:400}.turn[open]>summary>b::before{content:"▾ "}
.turn>div{padding:4px 0 12px 20px}
.step{display:grid;grid-template-columns:112px 1fr 160px 104px 84px;gap:0 8px;padding:3px 0;border-top:1px solid var(--line)}
.step>u{text-decoration:none;text-align:right;color:var(--muted);white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.step>.x{grid-column:2/-1}
.x,.said{white-space:pre-wrap}
.said{background:var(--sunk);padding:6px 8px;border-radius:3px;margin:2px 0 6px}
.gap{padding:6px 0;color:var(--muted);border-bottom:1px dashed var(--line-strong)}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
@media screen and (max-width:760px){body{padding:12px}.range{min-width:64px}
.turn>summary,.head{grid-template-columns:44px 148px 1fr 64px}.turn>summary>u:not(:last-child),.head>u:not(:last-child){display:none}
.step{grid-template-columns:1fr 84px 72px}.step>.track{display:none}.step>.k,.step>.x{grid-column:1/-1}.step>.k{color:var(--muted)}}
@media print{body{max-width:none;padding:0;font-size:11px;line-height:15px}table{font-size:10px}td,th{padding-right:8px}.range{min-width:64px}
.turn>summary,.head{grid-template-columns:40px 124px 1fr 36px 36px 84px 64px}.step{grid-template-columns:84px 1fr 80px 76px 60px}.track{min-width:0}
.turn,.step,tr,svg,.bar{break-inside:avoid}.turn[open]{break-inside:auto}h2{break-after:avoid}thead{display:table-header-group}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""

STYLE: Final = (
    f":root{{color-scheme:light dark;--failure:{KIND_COLORS['failure']};{_variables(LIGHT)}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
    f"{_KINDS}{_RULES.strip()}"
)
"""The whole style sheet."""
