"""A reply as models write them: all of Markdown that the card draws, and some that it does not follow."""

from typing import Final

__all__ = ["REPLY"]

REPLY: Final = r"""# Weather report

I looked at **both stations** with `survey(city)`; the *warmest* is Lima, ~~Oslo~~ is cold.
It cost $0.04 and $1.20 in all.

## What I found

1. Lima: 24.5 °C
   - clear sky
   - wind from the `SW`
2. Oslo: −11.5 °C, see [the forecast](https://www.yr.no/en/forecast) or <https://met.no>
3. A [trap](javascript:alert(1)), a [lie](https://bank.com@evil.example/), ![a chart](https://example.org/chart.png)

| station | °C | sky | a long header about the wind | another long header | one more column |
|:--------|---:|:---:|---|---|---|
| Lima    | 24.5 | clear | from the south west, four knots | yes | no |
| Oslo    | -11.5 | `snow` | from the north, twenty knots | yes | no |

### In code

```python
def warmest(readings: dict[str, float]) -> str:
    # the station with the highest temperature, whatever the hour: a long line, which is to be scrolled sideways, in a narrow card and in a wide one
    return max(readings, key=readings.__getitem__)
```

> Dress warmly in Oslo.
>
> > It is *really* cold.

The energy is \( E = mc^2 \) and

$$ \frac{a_1}{b_2} * \sum_{i} x_i $$

---

- [x] done
- [ ] open <script>alert(1)</script>

[1]: https://met.no "a definition, which stays"
"""
