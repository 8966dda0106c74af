"""The product's mark: a red cell with its pallor round a nucleus, drawn here so that nothing is
fetched. The greys and violets are readable on a light and on a dark ground."""

from pathlib import Path

_CELL = (
    '<circle cx="16" cy="16" r="12" fill="none" stroke="#d55e00" stroke-width="5"/>'
    '<circle cx="16" cy="16" r="4.5" fill="#8f6fd0"/>'
)

STYLE = Path(__file__).with_name("screen.css")

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">'
    f"{_CELL}</svg>"
)

WORDMARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 172 32" width="172" height="32">'
    f"{_CELL}"
    '<text x="40" y="22.5" font-family="sans-serif" font-size="19" font-weight="600" '
    'fill="#8068b0">Hemadesk</text></svg>'
)
