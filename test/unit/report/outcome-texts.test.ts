import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import type { RenewalOutcome } from '../../../src/renewal/outcome.js'
import type { RegisterResult } from '../../../src/renewal/registering/register-request.js'
import { showMachineProxy } from '../../../src/report/machine-proxy-text.js'
import {
  encodeRegistered,
  showRegistered,
  showUnregistered,
  showWarning,
} from '../../../src/report/register-text.js'
import { encodeRenewals, failureOfRenewal, showRenewal } from '../../../src/report/renew-text.js'
import { registration } from '../../support/registry.js'

const now = asUnixSeconds(1_800_000_000)
const end = asUnixSeconds(now + 48 * 3600)
const anna = registration('anna', { email: 'a@b', refreshSeconds: null })
const failed = (error: VoboxError): RenewalOutcome => ({ kind: 'failed', error, retryAt: now })

describe('showRenewal', () => {
  it.each<[RenewalOutcome, string]>([
    [{ kind: 'renewed', end, server: 'px:7512' }, 'renewed    /CN=anna: 48 h from px:7512\n'],
    [
      {
        kind: 'renewed',
        end,
        server: 'px:7512',
        shortGrant: { askedSeconds: 7 * 86_400, grantedSeconds: 172_800, limit: 'server-cap' },
      },
      'renewed    /CN=anna: 48 h from px:7512, of 7 d asked for\n',
    ],
    [
      {
        kind: 'renewed',
        end,
        server: 'px2:7512',
        behind: { server: 'px2:7512', end, ahead: { server: 'px:7512', end } },
      },
      'renewed    /CN=anna: 48 h from px2:7512, which is behind px:7512\n',
    ],
    [
      { kind: 'capped', end, server: 'px:7512', retryAt: now },
      'unchanged  /CN=anna: px:7512 gives nothing longer; --force takes it all the same\n',
    ],
    [
      { kind: 'not-due', decision: { action: 'wait', until: end, reason: 'fresh' } },
      'not due    /CN=anna: in 48 h (fresh until then); --force renews all the same\n',
    ],
    [{ kind: 'busy' }, 'busy       /CN=anna: another process is renewing it\n'],
    [{ kind: 'not-registered' }, 'gone       /CN=anna: no longer registered\n'],
    [{ kind: 'cancelled' }, ''],
    [failed(new VoboxError('TLS_FAILED', 'no')), ''],
  ])('%o', (outcome, text) => {
    expect(showRenewal({ registration: anna, outcome }, now)).toBe(text)
  })
})

describe('failureOfRenewal', () => {
  it('names the identity, once, and keeps code, hint and persistence', () => {
    const error = new VoboxError('TLS_FAILED', 'no TLS', { hint: 'look', data: { port: 1 } })
    const failure = failureOfRenewal({ registration: anna, outcome: failed(error) })
    expect(failure).toMatchObject({
      code: 'TLS_FAILED',
      message: '/CN=anna: no TLS',
      hint: 'look',
      data: { port: 1 },
      persistence: 'transient',
    })
    const named = new VoboxError('PROXY_EXPIRED', 'the proxy of /CN=anna has expired')
    expect(failureOfRenewal({ registration: anna, outcome: failed(named) })?.message).toBe(
      'the proxy of /CN=anna has expired',
    )
    expect(failureOfRenewal({ registration: anna, outcome: { kind: 'busy' } })).toBeUndefined()
  })

  it('stands in the JSON document beside the outcomes that are none', () => {
    const error = new VoboxError('TLS_FAILED', 'no TLS', { hint: 'look' })
    const done = [failed(error), { kind: 'busy' } as const].map((outcome) => ({
      registration: anna,
      outcome,
    }))
    expect(JSON.parse(encodeRenewals('alice', done))).toEqual({
      version: 1,
      vo: 'alice',
      renewals: [
        {
          identity: '/CN=anna',
          fileName: 'anna',
          kind: 'failed',
          retryAt: now,
          error: { code: 'TLS_FAILED', message: 'no TLS', hint: 'look', persistence: 'transient' },
        },
        { identity: '/CN=anna', fileName: 'anna', kind: 'busy' },
      ],
    })
  })
})

describe('what register did', () => {
  const result: RegisterResult = {
    outcome: 'registered',
    registration: anna,
    file: '/r/anna',
    proxy: 'login-proxy',
    proxyEnd: end,
    warnings: [{ code: 'not-checked', message: 'the server was not asked', hint: 'renew --force' }],
  }

  it.each([
    ['registered', 'successfully registered /CN=anna'],
    ['updated', 'successfully updated the registration of /CN=anna'],
    ['replaced', 'successfully took over the registration for /CN=anna'],
  ] as const)('%s is said with the word that callers look for', (outcome, line) => {
    expect(showRegistered({ ...result, outcome }, now).split('\n')[0]).toBe(line)
  })

  it('says when it is renewed, from where, and that there is no mail without an address', () => {
    expect(showRegistered(result, now)).toContain(
      '  renewal  when two thirds are over for 12 h from myproxy.example.org\n',
    )
    const silent = { ...anna, email: null }
    expect(showRegistered({ ...result, registration: silent }, now)).toContain(
      'mail     none: --email',
    )
  })

  it('is JSON with warnings and without DER', () => {
    const document = JSON.parse(encodeRegistered('alice', result))
    expect(document).toMatchObject({
      version: 1,
      outcome: 'registered',
      stored: null,
      proxyEnd: end,
    })
    expect(document.warnings).toEqual(result.warnings)
    expect(document.registration).not.toHaveProperty('identityDer')
  })

  it('shows a warning with its cure', () => {
    const [warning] = result.warnings
    expect(warning && showWarning('vobox-proxy', warning)).toBe(
      'vobox-proxy: warning: the server was not asked\n  renew --force\n',
    )
  })

  it('says of unregister whether there was a file', () => {
    const gone = { registration: anna, file: '/r/anna', fileRemoved: false }
    expect(showUnregistered(gone)).toContain('there was no /r/anna')
    expect(showUnregistered({ ...gone, fileRemoved: true })).toContain('removed /r/anna')
  })
})

it('shows a machine proxy in one line', () => {
  const made = { file: '/m', identity: '/CN=host', end, shortenedBySeconds: 0 }
  expect(showMachineProxy(made)).toBe(
    'machine proxy of /CN=host in /m, ends 2027-01-17 08:00:00 UTC\n',
  )
})
