import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import {
  encodeMyProxyInit,
  initHasFailed,
  type MyProxyInitResult,
  showMyProxyInit,
} from '../../../src/report/myproxy-init-text.js'

const now = asUnixSeconds(Date.UTC(2026, 10, 22, 12) / 1000)
const after = (hours: number) => asUnixSeconds(now + hours * 3600)

const stored: MyProxyInitResult = {
  server: 'px.example.org:7512',
  username: '/DC=org/CN=anna',
  credentialName: null,
  identity: '/DC=org/CN=anna',
  end: after(3000),
  storedSeconds: 3000 * 3600,
  lifetimeSeconds: 48 * 3600,
  policies: { renewer: '/DC=org/CN=box.example.org' },
  passPhrase: 'none',
  replaced: null,
  lost: [],
  attributes: [],
  localProxy: null,
  warnings: [],
  vobox: [],
  now,
}

describe('showMyProxyInit', () => {
  it('begins with the line of myproxy-init, and says until when and for whom', () => {
    expect(showMyProxyInit(stored)).toBe(
      [
        'A proxy valid for 3000 hours (125.0 days) for user /DC=org/CN=anna now exists on px.example.org.',
        '  until    2027-03-27 12:00:00 UTC (in 125 d)',
        '  gives    proxies of up to 48 h',
        '  allows   renewal by /DC=org/CN=box.example.org',
        '',
      ].join('\n'),
    )
  })

  it('is that line alone when it is to be terse', () => {
    expect(showMyProxyInit(stored, true).split('\n')).toHaveLength(2)
  })

  it('tells of the login proxy of --local-proxy', () => {
    const localProxy = { file: '/tmp/x509up_u1000', end: after(12) }
    expect(showMyProxyInit({ ...stored, localProxy })).toContain(
      'Created proxy in /tmp/x509up_u1000\n' +
        'Your proxy is valid until 2026-11-23 00:00:00 UTC (in 12 h)\n',
    )
  })

  it('lists what was looked at for a VO-Box, with a cure where it is not right', () => {
    const vobox = [
      { check: 'owner', verdict: 'ok', message: '/DC=org/CN=anna', hint: 'not shown' },
      { check: 'renewal', verdict: 'failed', message: 'refused', hint: 'ask them' },
      { check: 'renewers', verdict: 'unknown', message: 'none', hint: 'name it' },
    ] as const
    const text = showMyProxyInit({ ...stored, vobox })
    expect(text.split('Whether the VO-Box can renew it:\n')[1]).toBe(
      [
        '  ok       owner     /DC=org/CN=anna',
        '  FAILED   renewal   refused',
        '           ask them',
        '  unknown  renewers  none',
        '           name it',
        '',
      ].join('\n'),
    )
    expect(initHasFailed({ ...stored, vobox })).toBe(true)
    const unseen = { ...stored, vobox: [vobox[0], vobox[2]] }
    expect(initHasFailed(unseen)).toBe(false)
    expect(showMyProxyInit(unseen)).toMatch(/\nNobody has seen yet that it can be renewed: .*\n$/)
  })

  it('keeps control characters of a name off the terminal', () => {
    const text = showMyProxyInit({ ...stored, username: 'a\u001b[31m' })
    expect(text).not.toContain('\u001b')
  })
})

describe('encodeMyProxyInit', () => {
  it('holds the access in words and in patterns, and no present time', () => {
    const { access, now: present, policies, end } = JSON.parse(encodeMyProxyInit(stored))
    expect([present, policies]).toEqual([undefined, undefined])
    expect(end).toBe(after(3000))
    expect(access).toEqual([
      { right: 'renewal', policy: '/DC=org/CN=box.example.org', who: '/DC=org/CN=box.example.org' },
    ])
  })
})
