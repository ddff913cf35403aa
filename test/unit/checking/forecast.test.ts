import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { type Ending, forecast } from '../../../src/renewal/checking/forecast.js'
import { encodeCalendar } from '../../../src/report/calendar.js'
import { showForecast } from '../../../src/report/forecast-text.js'
import { DAY, HOUR } from '../../support/time.js'

const now = asUnixSeconds(Date.UTC(2026, 10, 22, 7, 0, 5) / 1000)
const ending = (changes: Partial<Ending>): Ending => ({
  kind: 'user-certificate',
  key: '/CN=anna',
  end: asUnixSeconds(now + 10 * DAY),
  name: '/CN=anna',
  automatic: false,
  cure: 'Its owner gets a new certificate',
  ...changes,
})
const later = (seconds: number) => asUnixSeconds(now + seconds)

describe('forecast', () => {
  it('puts what ended an hour ago before what ends in 10 days, and leaves out what ends in 91', () => {
    const items = forecast(
      [
        ending({ key: 'late', end: later(91 * DAY) }),
        ending({}),
        ending({ kind: 'stored-credential', end: later(-HOUR) }),
      ],
      now,
      90 * DAY,
    )
    expect(items.map(({ sentence, secondsLeft }) => [sentence, secondsLeft])).toEqual([
      ['the stored credential of /CN=anna ended 1 h ago; then nothing is renewed from it', -HOUR],
      [
        'the certificate of /CN=anna ends in 10 d; then no credential can be stored from it, and no proxy outlives it',
        10 * DAY,
      ],
    ])
  })

  it.each([
    ['info', 'the stored credential of /CN=anna ends in 10 d, as the server said; then'],
    ['chain', 'the stored credential of /CN=anna ends in 10 d, as the last renewal showed; then'],
  ] as const)('says how the end of a stored credential is known: by %s', (seen, sentence) => {
    const [item] = forecast([ending({ kind: 'stored-credential', seen })], now, 90 * DAY)
    expect(item?.sentence).toBe(`${sentence} nothing is renewed from it`)
  })

  it('asks nobody to register again a proxy that a pass phrase renews after its end', () => {
    const [item] = forecast([ending({ kind: 'user-proxy', revivable: true })], now, 90 * DAY)
    expect(item?.sentence).toBe(
      'the proxy of /CN=anna ends in 10 d; then services refuse it until a pass phrase renews it',
    )
  })

  it('tells a certificate that two registrations share once, with the earlier of two ends', () => {
    const items = forecast([ending({}), ending({ end: later(5 * DAY) })], now, 90 * DAY)
    expect(items.map(({ end }) => end)).toEqual([later(5 * DAY)])
  })

  it('sets what renews itself apart', () => {
    const items = forecast(
      [ending({}), ending({ kind: 'user-proxy', end: later(40 * HOUR), automatic: true })],
      now,
      90 * DAY,
    )
    const text = showForecast({ vo: 'alice', at: now, days: 90, items, gaps: [] })
    expect(text.split('\n')).toEqual([
      'To see to:',
      '  2026-12-02 07:00 UTC  the certificate of /CN=anna ends in 10 d; then no credential can be stored from it, and no proxy outlives it',
      '                        Its owner gets a new certificate',
      '',
      'Renewed by itself; if that stops, it ends then:',
      '  2026-11-23 23:00 UTC  the proxy of /CN=anna ends in 40 h; then its owner must register again',
      '',
    ])
  })
})

describe('the calendar', () => {
  const write = (changes: Partial<Ending>, at = now) =>
    encodeCalendar({
      vo: 'alice',
      host: 'vobox.example.org',
      at,
      items: forecast([ending(changes)], now, 90 * DAY),
    })

  it('is RFC 5545, line by line', () => {
    const text = write({})
    expect(text.endsWith('\r\n')).toBe(true)
    expect(text.replaceAll('\r\n ', '').split('\r\n')).toEqual([
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//vobox-proxy//forecast//EN',
      'CALSCALE:GREGORIAN',
      'METHOD:PUBLISH',
      'X-WR-CALNAME:Proxies of alice on vobox.example.org',
      'BEGIN:VEVENT',
      expect.stringMatching(/^UID:user-certificate-[0-9a-f]{32}@vobox\.example\.org$/),
      'DTSTAMP:20261122T070005Z',
      'DTSTART:20261202T070005Z',
      'SUMMARY:alice: user certificate ends /CN=anna',
      'DESCRIPTION:Then no credential can be stored from it\\, and no proxy outlives it.\\nIts owner gets a new certificate',
      'CATEGORIES:user-certificate',
      'TRANSP:TRANSPARENT',
      ...[14, 2].flatMap((days) => [
        'BEGIN:VALARM',
        'ACTION:DISPLAY',
        'DESCRIPTION:alice: user certificate ends /CN=anna',
        `TRIGGER:-P${days}D`,
        'END:VALARM',
      ]),
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ])
  })

  it('has no line over 75 octets and cuts no character in two, whatever a name holds', () => {
    const name = `/CN=${'ö€𝄞'.repeat(40)}`
    const text = write({ name })
    const lines = text.split('\r\n')
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(75)
    expect(text.replaceAll('\r\n ', '')).toContain(`SUMMARY:alice: user certificate ends ${name}`)
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })

  it('lets no name begin a line of its own, or end a value', () => {
    const unfolded = write({ name: '/CN=a\r\nEND:VCALENDAR;b,c\\d' }).replaceAll('\r\n ', '')
    expect(unfolded.match(/^END:VCALENDAR/gm)).toHaveLength(1)
    expect(unfolded).toContain('ends /CN=a END:VCALENDAR\\;b\\,c\\\\d')
  })

  it('keeps the UID of an event whose end has moved, and gives another VO another', () => {
    const uid = (text: string) => /^UID:\S+(?:\r\n \S+)*/m.exec(text)?.[0]
    expect(uid(write({ end: later(60 * DAY) }, later(HOUR)))).toBe(uid(write({})))
    expect(uid(write({ key: '/CN=berta' }))).not.toBe(uid(write({})))
  })

  it('leaves out what renews itself', () => {
    expect(write({ automatic: true })).not.toContain('VEVENT')
  })
})
