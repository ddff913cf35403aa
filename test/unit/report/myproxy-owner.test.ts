import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import {
  type Destroyed,
  showDestroyed,
  showPassPhraseChanged,
} from '../../../src/report/myproxy-owner-text.js'
import { type Stored, showStored } from '../../../src/report/myproxy-store-text.js'

const now = asUnixSeconds(1_800_000_000)
const place = { server: 'px.example.org:7512', username: 'anna', credentialName: null }
const stored = (name: string | undefined, hours: number, renewer?: string) => ({
  ...(name === undefined ? {} : { name }),
  ...(renewer === undefined ? {} : { renewer }),
  owner: '/CN=anna',
  start: asUnixSeconds(now - 60),
  end: asUnixSeconds(now + hours * 3600),
})

describe('what myproxy destroy says', () => {
  const destroyed: Destroyed = {
    ...place,
    gone: stored(undefined, 10, '*/CN=vobox'),
    remaining: [stored('one', 100), stored('two', -1)],
    now,
  }

  it('begins as myproxy-destroy does, then tells what it was and what remains', () => {
    expect(showDestroyed(destroyed).split('\n')).toEqual([
      'Default MyProxy credential for user anna was successfully removed.',
      '  server   px.example.org:7512',
      '  was      ends 2027-01-15 18:00 UTC (in 10 h); renewal by vobox',
      "  remains  'one' (ends 2027-01-19 12:00 UTC (in 4 d 4 h)), 'two' (ended 2027-01-15 07:00 UTC (1 h ago))",
      '',
    ])
  })

  it.each([
    [null, 'Default MyProxy credential for user anna was successfully removed.\n'],
    ['one', "MyProxy credential 'one' for user anna was successfully removed.\n"],
  ])('is the line of myproxy-destroy alone when terse, for %s', (credentialName, line) => {
    expect(showDestroyed({ ...destroyed, credentialName }, true)).toBe(line)
  })

  it('admits what it does not know', () => {
    const text = showDestroyed({ ...destroyed, gone: null, remaining: null })
    expect(text).toContain('  was      not known\n  remains  not known\n')
    expect(showDestroyed({ ...destroyed, remaining: [] })).toContain(
      '  remains  nothing under this name\n',
    )
  })
})

describe('what myproxy change-pass-phrase says', () => {
  it('is the line of myproxy-change-pass-phrase, and of what', () => {
    expect(showPassPhraseChanged(place, true)).toBe('Pass phrase changed.\n')
    expect(showPassPhraseChanged({ ...place, credentialName: 'one' })).toBe(
      "Pass phrase changed.\n  of       'one' of anna on px.example.org:7512\n",
    )
  })
})

describe('what myproxy store says', () => {
  it('is the line of myproxy-store, and what was stored for whom', () => {
    const result: Stored = {
      ...place,
      identity: '/CN=anna\u001b[31m',
      end: asUnixSeconds(now + 30 * 86_400),
      lifetimeSeconds: 43_200,
      keyEncrypted: true,
      pairChecked: true,
      replaced: null,
      policies: { keyRetriever: '*/CN=anna' },
      warnings: [],
      now,
    }
    expect(showStored(result, true)).toBe('Credentials saved to myproxy server.\n')
    expect(showStored(result).split('\n')).toEqual([
      'Credentials saved to myproxy server.',
      '  server   px.example.org:7512',
      '  as       the default credential of anna',
      '  of       /CN=anna [31m, ends 2027-02-14 08:00 UTC (in 30 d)',
      '  proxies  up to 12 h',
      '  access   retrieval of the key itself by anna',
      '',
    ])
  })
})
