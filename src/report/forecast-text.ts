/** `forecast` for people and programs: by date, with the cure below each. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showInstant } from '../ports/time-text.js'
import type { Forecast } from '../renewal/checking/forecast.js'
import { encodeDocument } from './query-json.js'

export interface ForecastText {
  vo: string
  at: UnixSeconds
  days: number
  items: readonly Forecast[]
  gaps: readonly string[]
}

/** What people must see to comes first; what renews itself follows, should that ever stop. */
export function showForecast({ items, days, gaps }: ForecastText): string {
  const manual = items.filter(({ automatic }) => !automatic)
  const automatic = items.filter((item) => item.automatic)
  const lines = [
    manual.length === 0
      ? `Nothing that people must see to ends within ${days} days.`
      : 'To see to:',
    ...manual.flatMap((item) => [lineOf(item), `                        ${printable(item.cure)}`]),
    ...(automatic.length === 0 ? [] : ['', 'Renewed by itself; if that stops, it ends then:']),
    ...automatic.map(lineOf),
    ...(gaps.length === 0 ? [] : ['', 'Not known:']),
    ...gaps.map((gap) => `  ${printable(gap)}`),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

const lineOf = ({ end, sentence }: Forecast) => `  ${showInstant(end, 'minute')}  ${sentence}`

export function encodeForecast({ vo, at, days, items, gaps }: ForecastText): string {
  return encodeDocument({
    vo,
    at,
    days,
    endings: items.map(({ kind, end, secondsLeft, name, identity, automatic, sentence, cure }) => ({
      kind,
      end,
      secondsLeft,
      name,
      identity: identity ?? null,
      automatic,
      sentence,
      cure,
    })),
    gaps,
  })
}
