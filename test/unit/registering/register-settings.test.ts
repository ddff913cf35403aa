import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/read-config.js'
import { judgeLoginProxy } from '../../../src/renewal/registering/register-login-proxy.js'
import type { RegisterRequest } from '../../../src/renewal/registering/register-request.js'
import { buildRegistration } from '../../../src/renewal/registering/register-settings.js'
import { failureOf } from '../../support/failure.js'
import { addProxy, anchorsOf, realNow, TestAuthority } from '../../support/pki.js'

const ca = new TestAuthority()
const now = realNow()
const config = readConfig({ flags: { myproxy: { servers: ['px.example.org'] } } })
const login = judgeLoginProxy(addProxy(ca.issueUser('alice'), { now }), {
  anchors: anchorsOf(ca),
  now,
  config,
  allowLimited: false,
  path: '/p',
})
const build = (request: Partial<RegisterRequest>) =>
  buildRegistration(
    'file',
    login,
    { proxyFile: '/p', callerUid: 1, ...request },
    undefined,
    config,
    now,
  )

describe('buildRegistration', () => {
  it.each<[string, Partial<RegisterRequest>, string, Record<string, unknown>]>([
    [
      'a lifetime of 0',
      { lifetimeSeconds: 0 },
      'REGISTRATION_INVALID',
      { field: 'lifetimeSeconds' },
    ],
    [
      'one of half a second',
      { lifetimeSeconds: 0.5 },
      'REGISTRATION_INVALID',
      { field: 'lifetimeSeconds' },
    ],
    [
      'one that is not a number',
      { lifetimeSeconds: Number.NaN },
      'REGISTRATION_INVALID',
      { field: 'lifetimeSeconds' },
    ],
    [
      'one of a hundred years',
      { lifetimeSeconds: 3.2e9 },
      'REGISTRATION_INVALID',
      { field: 'lifetimeSeconds' },
    ],
    ['a refresh of 0', { refreshSeconds: 0 }, 'REGISTRATION_INVALID', { field: 'refreshSeconds' }],
    [
      'a negative --proxy-safe',
      { proxySafeSeconds: -1 },
      'REGISTRATION_INVALID',
      { field: 'proxySafeSeconds' },
    ],
    [
      'a negative --myproxy-safe',
      { myproxySafeSeconds: -1 },
      'REGISTRATION_INVALID',
      { field: 'myproxySafeSeconds' },
    ],
    ['an empty user name', { username: '' }, 'REGISTRATION_INVALID', { field: 'username' }],
    [
      'a user name with a line feed, which would be a line of the protocol',
      { username: 'a\nCOMMAND=3' },
      'REGISTRATION_INVALID',
      { field: 'username' },
    ],
    [
      'a credential name like an option',
      { credentialName: '-k' },
      'REGISTRATION_INVALID',
      { field: 'credentialName' },
    ],
    [
      'an address with a line feed, which would be a header',
      { email: 'a@b.ch\nBcc: c@d.ch' },
      'MAIL_ADDRESS_INVALID',
      {},
    ],
    ['a server that is no host name', { servers: ['px example org'] }, 'SERVER_LIST_INVALID', {}],
  ])('refuses %s', (_name, request, code, data) => {
    const error = failureOf(() => build(request))
    expect(error.code).toBe(code)
    expect(error.data).toMatchObject(data)
  })

  it('names the option of the command line in its message', () => {
    expect(failureOf(() => build({ lifetimeSeconds: 0 })).message).toMatch(/^-t: /)
  })

  it.each([
    [['px.example.org:7512'], ['px.example.org']],
    [['px.example.org:7513,px2.example.org'], ['px.example.org:7513', 'px2.example.org']],
    [['[2001:db8::1]:7512'], ['[2001:db8::1]:7512']],
    [['2001:db8::1'], ['[2001:db8::1]:7512']],
  ])('keeps servers %j as %j', (given, kept) => {
    expect(build({ servers: given }).servers).toEqual(kept)
  })

  it('takes two addresses, one of them of this machine', () => {
    const email = 'a@b.ch, root@localhost'
    expect(build({ email }).email).toBe(email)
  })

  it('takes no bare word for an address, and says how a mailbox of this machine is written', () => {
    const error = failureOf(() => build({ email: 'a@b.ch,notanemail' }))
    expect(error).toMatchObject({ code: 'MAIL_ADDRESS_INVALID', data: { address: 'notanemail' } })
    expect(error.hint).toContain('notanemail@localhost')
  })
})
