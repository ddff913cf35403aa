import { describe, expect, it } from 'vitest'
import { explainConfig, fileKey, readConfig } from '../../../src/config/read-config.js'
import { failureOf } from '../../support/failure.js'

const path = '/etc/vobox-proxy/config.toml'
const file = (text: string) => ({ path, text })
const fromFile = (text: string) => readConfig({ file: file(text) })

/** Dotted names of all values. */
const leavesOf = (tree: object): string[] =>
  Object.entries(tree).flatMap(([name, value]) =>
    value === null || Array.isArray(value) || typeof value !== 'object'
      ? [name]
      : leavesOf(value).map((below) => `${name}.${below}`),
  )

describe('readConfig', () => {
  it('has the documented defaults without any source', () => {
    const config = readConfig({})

    expect(config).toMatchObject({
      root: '/var/lib/vobox',
      limits: {
        refuseBelowSeconds: 1200,
        warnBelowSeconds: 1800,
        minIntervalSeconds: 60,
        maxDelegationDepth: 10,
      },
      keys: { kind: 'rsa2048', pool: 32, passPhraseCost: 5 },
      trust: { directory: '/etc/grid-security/certificates', allowMissingSigningPolicy: false },
      myproxy: { servers: [], port: 7512, serverDn: null, tlsMaxVersion: 'TLSv1.2' },
      voms: { directory: '/etc/grid-security/vomsdir', vomses: [], answerSeconds: 30 },
      renewal: { lifetimeSeconds: 43_200, refreshSeconds: 3600, workers: 16 },
      mail: { admin: 'root', from: null, transport: 'sendmail', smtp: { port: 25 } },
      register: { proxySafeSeconds: 3600, myproxySafeSeconds: 864_000 },
    })
  })

  it('reads tables, dotted keys, durations with units and lists', () => {
    const config = fromFile(`
      root = "/srv/vobox"   # moved
      limits.refuse_below_seconds = "5m"
      [keys]
      kind = "p256"
      pool = 0
      [myproxy]
      servers = ["one.example.org", "two.example.org:7513"]
      connect_seconds = 3
      [renewal]
      lifetime_seconds = "48h"
      refresh_seconds = "never"
      [mail.smtp]
      host = "mail.example.org"
      secure = true
    `)

    expect(config).toMatchObject({
      root: '/srv/vobox',
      limits: { refuseBelowSeconds: 300, warnBelowSeconds: 1800 },
      keys: { kind: 'p256', pool: 0 },
      myproxy: { servers: ['one.example.org', 'two.example.org:7513'], connectSeconds: 3 },
      renewal: { lifetimeSeconds: 172_800, refreshSeconds: null },
      mail: { smtp: { host: 'mail.example.org', port: 25, secure: true } },
    })
  })

  it('lets the environment win over the file, and flags over both', () => {
    const sources = {
      file: file('root = "/file"\n[trust]\ndirectory = "/file/ca"\n[myproxy]\nport = 1'),
      environment: {
        VOBOX_PROXY_ROOT: '/environment',
        X509_CERT_DIR: '/environment/ca',
        MYPROXY_SERVER: 'one.example.org, two.example.org:7513,',
        MYPROXY_SERVER_PORT: '7777',
        MYPROXY_SERVER_DN: '/CN=server',
        X509_VOMS_DIR: '/environment/vomsdir',
        VOMS_USERCONF: '/environment/vomses',
      },
      flags: { root: '/flag', renewal: { lifetimeSeconds: 60 } },
    }
    const { config, origins } = explainConfig(sources)

    expect(config).toMatchObject({
      root: '/flag',
      trust: { directory: '/environment/ca' },
      myproxy: {
        servers: ['one.example.org', 'two.example.org:7513'],
        port: 7777,
        serverDn: '/CN=server',
      },
      voms: { directory: '/environment/vomsdir', vomses: ['/environment/vomses'] },
      renewal: { lifetimeSeconds: 60 },
    })
    expect(origins.get('root')).toEqual({ kind: 'flag' })
    expect(origins.get('trust.directory')).toEqual({
      kind: 'environment',
      variable: 'X509_CERT_DIR',
    })
    expect(origins.get('keys.pool')).toEqual({ kind: 'default' })
  })

  it('says the line of a value that comes from the file, and an origin for each setting', () => {
    const { config, origins } = explainConfig({ file: file('\n[keys]\n# many\npool = 64\n') })

    expect(origins.get('keys.pool')).toEqual({ kind: 'file', path, line: 4 })
    expect([...origins.keys()].sort()).toEqual(leavesOf(config).map(fileKey).sort())
  })

  it('takes an empty environment variable for unset', () => {
    expect(readConfig({ environment: { VOBOX_PROXY_ROOT: '', MYPROXY_SERVER: '' } })).toMatchObject(
      {
        root: '/var/lib/vobox',
        myproxy: { servers: [] },
      },
    )
  })

  it('is frozen to its depths', () => {
    const config = readConfig({ environment: { MYPROXY_SERVER: 'one' } })

    for (const part of [config, config.mail, config.mail.smtp, config.myproxy.servers]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('a wrong configuration', () => {
  it.each([
    [
      '[limits]\n\nrefuse_bellow_seconds = 1',
      3,
      'limits.refuse_bellow_seconds',
      'is not a setting',
    ],
    ['[limit]\nrefuse_below_seconds = 1', 1, 'limit', 'is not a setting'],
    ['x = 1', 1, 'x', 'is not a setting'],
    ['[keys]\npool = "many"', 2, 'keys.pool', 'a whole number from 0 to 1000'],
    ['[keys]\npool = -1', 2, 'keys.pool', 'a whole number from 0 to 1000'],
    ['[keys]\npool = 1.5', 2, 'keys.pool', 'a whole number from 0 to 1000'],
    ['keys = { pool = true }', 1, 'keys.pool', 'a whole number'],
    ['keys = 1', 1, 'keys', 'must be a table'],
    ['[[keys]]\npool = 1', undefined, 'keys', 'must be a table'],
    ['keys = 2026-01-01', 1, 'keys', 'must be a table'],
    ['[keys]\n"kind" = "rsa1024"', 2, 'keys.kind', 'one of rsa2048, rsa3072, rsa4096, p256'],
    ['root = "var/lib"', 1, 'root', 'an absolute path'],
    ['root = ["/a"]', 1, 'root', 'a text'],
    ['[renewal]\nlifetime_seconds = "48 hours"', 2, 'renewal.lifetime_seconds', 'a duration'],
    ['renewal.lifetime_seconds = 0', 1, 'renewal.lifetime_seconds', 'at least 1 second:'],
    ['[trust]\nallow_legacy_proxies = "yes"', 2, 'trust.allow_legacy_proxies', 'true or false'],
    ['[mail.smtp]\nport = 70000', 2, 'mail.smtp.port', 'from 1 to 65535'],
    ['[mail]\nadmin = "a\\nb"', 2, 'mail.admin', 'a text on one line'],
    ['[myproxy]\nservers = ["a", 7]', 2, 'myproxy.servers', 'a text'],
  ])('names the line in %j', (text, line, key, what) => {
    const error = failureOf(() => fromFile(text))

    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.data).toMatchObject({ path, line, key })
    expect(error.message).toContain(what)
    expect(error.message).toContain(line === undefined ? path : `${path}:${line}`)
  })

  it('names line and column of a syntax error', () => {
    const error = failureOf(() => fromFile('[keys]\npool = = 3\n'))

    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.data).toMatchObject({ path, line: 2 })
    expect(error.message).toMatch(/^\/etc\/vobox-proxy\/config\.toml:2: /)
  })

  it('lists the known settings beside an unknown one', () => {
    expect(failureOf(() => fromFile('[keys]\nkinds = 1')).hint).toBe(
      'Known in keys: kind, pool, pass_phrase_cost',
    )
  })

  it.each([
    [{ MYPROXY_SERVER_PORT: 'http' }, 'MYPROXY_SERVER_PORT'],
    [{ VOMS_USERCONF: 'vomses' }, 'VOMS_USERCONF'],
    [{ VOBOX_PROXY_ROOT: 'relative' }, 'VOBOX_PROXY_ROOT'],
  ])('names the environment variable of %j', (environment, variable) => {
    const error = failureOf(() => readConfig({ environment }))

    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.data).toEqual({ variable })
    expect(error.message).toContain(`$${variable} must be`)
  })

  it('is refused in the file even where the environment overrides it', () => {
    const sources = { file: file('root = 1'), environment: { VOBOX_PROXY_ROOT: '/srv' } }

    expect(failureOf(() => readConfig(sources)).data).toMatchObject({ key: 'root' })
  })

  it('is refused from a flag too', () => {
    expect(failureOf(() => readConfig({ flags: { root: 'here' } })).message).toBe(
      "The flag for 'root' must be an absolute path",
    )
  })
})
