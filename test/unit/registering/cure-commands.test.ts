import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { matchesDnPattern } from '../../../src/myproxy/server/policy/dn-pattern.js'
import {
  dnAsPattern,
  lookCommand,
  machineProxyCommand,
  machineProxyCronFile,
  quoteShell,
  registerCommand,
  servedBy,
  uploadCommand,
  voboxCommand,
  wholeHours,
} from '../../../src/registry/cure-commands.js'
import { withCure } from '../../../src/renewal/cures.js'
import { execFileSync } from '../../support/bounded.js'
import { registration } from '../../support/registry.js'
import { HOUR } from '../../support/time.js'

const facts = { servers: ['px.example.org', 'px2.example.org'], lifetimeSeconds: 12 * HOUR }

describe('servedBy', () => {
  it.each([
    ['px2.example.org:7512 (192.0.2.1)', 'px2.example.org'],
    ['px2.example.org:7512', 'px2.example.org'],
    ['px.example.org:7512', 'px.example.org'],
    ['px.example.organic:7512', 'px.example.org'],
    [undefined, 'px.example.org'],
  ])('names for %s the server %s first', (server, first) => {
    expect(servedBy(facts, server).servers[0]).toBe(first)
    expect(servedBy(facts, server).servers).toHaveLength(2)
  })

  it('is what the owner of a credential on the second server is told to use', () => {
    const error = new VoboxError('MYPROXY_NO_CREDENTIAL', 'none', {
      data: { peer: 'px2.example.org:7512 (192.0.2.1)' },
    })
    const registered = registration('anna', { servers: facts.servers })
    expect(withCure(error, { registration: registered }).hint).toContain(
      'vobox-proxy myproxy init --for-vobox -s px2.example.org',
    )
  })
})

describe('withCure, of an attribute that is not granted', () => {
  const ROLE = 'alice:/alice/Role=lcgadmin'
  const asIs = 'ask the VO'
  it.each([
    ['one of 2', [ROLE, 'alice'], false, 'refused', expect.stringContaining('--allow-partial')],
    ['the only one', [ROLE], false, 'refused', asIs],
    ['all, where some would do', [ROLE, 'alice'], true, 'refused', asIs],
    ['2 in another order', [ROLE, 'alice'], false, 'order', asIs],
  ])(
    'names what lets renewal go on where it would: %s',
    (_name, voms, allowPartial, reason, hint) => {
      const data = { reason, stage: 'attributes' }
      const error = new VoboxError('VOMS_ATTRIBUTE_NOT_GRANTED', 'no', { hint: asIs, data })
      const registered = registration('anna', { voms, allowPartial })
      expect(withCure(error, { registration: registered })).toMatchObject({ hint, data })
    },
  )
})

describe('registerCommand', () => {
  it.each([
    [[], 'vobox-proxy --vo alice register --no-voms'],
    [
      ['alice:/alice/Role=lcgadmin', 'bob'],
      'vobox-proxy --vo alice register --voms alice:/alice/Role=lcgadmin --voms bob',
    ],
  ])('keeps the attributes %j', (voms, command) => {
    expect(registerCommand('alice', { voms })).toBe(command)
  })
})

describe('uploadCommand', () => {
  it.each([
    [
      'stores for 48 h, as --for-vobox does, though only 12 are asked for',
      facts,
      undefined,
      'vobox-proxy myproxy init --for-vobox -s px.example.org',
    ],
    [
      'stores for 72 h when 71.5 are asked for',
      { ...facts, lifetimeSeconds: 71.5 * HOUR },
      undefined,
      'vobox-proxy myproxy init --for-vobox -s px.example.org -t 72',
    ],
    [
      'names user and credential',
      { ...facts, username: 'asm', credentialName: 'grid' },
      undefined,
      'vobox-proxy myproxy init --for-vobox -s px.example.org -l asm -k grid',
    ],
    [
      'names the renewer by its DN, whatever is in it',
      facts,
      "/DC=ch/CN=vobox (new) o'brien",
      `vobox-proxy myproxy init --for-vobox -s px.example.org --vobox-dn '/DC=ch/CN=vobox (new) o'\\''brien'`,
    ],
    [
      'asks for a pass phrase where it is fetched with one',
      { ...facts, passPhraseFile: '/home/sgm/.phrase' },
      undefined,
      'vobox-proxy myproxy init -s px.example.org -d -t 48 -c 3000',
    ],
    [
      'names who fetches it with a pass phrase as a pattern of the DN',
      { ...facts, username: 'asm', passPhraseFile: '/home/sgm/.phrase' },
      '/DC=ch/CN=vobox (new).example.org',
      `vobox-proxy myproxy init -s px.example.org -l asm -t 48 -c 3000 -x -r '/DC=ch/CN=vobox \\(new\\).example.org'`,
    ],
    [
      'has a place for a server that nobody knows',
      { ...facts, servers: [] },
      undefined,
      'vobox-proxy myproxy init --for-vobox -s SERVER',
    ],
  ])('%s', (_name, given, renewer, command) => {
    expect(uploadCommand(given, renewer)).toBe(command)
  })
})

describe('dnAsPattern', () => {
  it.each([
    ['/CN=vobox.example.org', '/CN=vobox.example.org'],
    ['/CN=host\\/vobox.example.org', '/CN=host*/vobox.example.org'],
    ['/CN=a\\+b', '/CN=a*\\+b'],
    ['/CN=a+UID=b', '/CN=a?UID=b'],
    ['/CN=Zo\\xC3\\xAB', '/CN=Zo?xC3?xAB'],
    ['/CN=a(b)[c]{d}|^$', '/CN=a\\(b\\)\\[c\\]\\{d\\}\\|\\^\\$'],
  ])('makes of %s what both kinds of servers take for it', (dn, pattern) => {
    expect(dnAsPattern(dn)).toBe(pattern)
    expect(matchesDnPattern(pattern, dn)).toBe(true)
    expect(matchesDnPattern(pattern, dn.replace(/\\([/+])/g, '$1').replace('+UID', '/UID'))).toBe(
      true,
    )
  })
})

describe('the other commands', () => {
  it('look at what is stored', () => {
    expect(lookCommand(facts)).toBe('vobox-proxy myproxy info -s px.example.org -d')
    expect(lookCommand({ ...facts, username: 'asm' })).toBe(
      'vobox-proxy myproxy info -s px.example.org -l asm',
    )
  })

  it('name the VO, with arguments quoted', () => {
    expect(voboxCommand('alice', 'renew', '--dn', '/CN=a b')).toBe(
      "vobox-proxy --vo alice renew --dn '/CN=a b'",
    )
  })

  it('name the cron file with dots of the VO as underscores, and the init script with dots', () => {
    expect(machineProxyCronFile('vo.example.org')).toBe(
      '/etc/cron.d/vo_example_org-box-proxyrenewal',
    )
    expect(machineProxyCommand('vo.example.org')).toBe(
      '/etc/init.d/vo.example.org-box-proxyrenewal proxy',
    )
  })

  it.each([
    [1, 1],
    [3600, 1],
    [3601, 2],
    [172_800, 48],
  ])('round %i s up to %i h', (seconds, hours) => {
    expect(wholeHours(seconds)).toBe(hours)
  })
})

describe('quoteShell', () => {
  it.each([
    'plain',
    "o'brien",
    'a b',
    '$(reboot)',
    '`id`',
    '"',
    '\\',
    '',
    '*',
    ';',
    '!',
    '~',
    '-n',
    'ü',
  ])('gives a shell %j back as it was', (word) => {
    const out = execFileSync('/bin/sh', ['-c', `printf '%s' ${quoteShell(word)}`])
    expect(out.toString()).toBe(word)
  })
})
