import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import {
  effectiveSettings,
  selectSettings,
  settingName,
} from '../../../src/config/effective-settings.js'
import { explainConfig, readConfig } from '../../../src/config/read-config.js'
import { encodeConfig, showConfig } from '../../../src/report/config-text.js'
import { failureOf } from '../../support/failure.js'

const path = '/etc/vobox-proxy/config.toml'
const text = [
  'root = "/srv/vobox"',
  '[renewal]',
  'refresh_seconds = "never"',
  'lifetime_seconds = "48h"',
  '[mail]',
  'admin = "grid \\u202e\\\\ \\"admins\\""',
  'smtp.port = 2525',
  '[myproxy]',
  'servers = ["one.example.org", "two.example.org:7513"]',
  '',
].join('\n')
const sources = { file: { path, text }, environment: { X509_CERT_DIR: '/ca', MYPROXY_SERVER: '' } }
const settings = effectiveSettings(sources)
const facts = { file: path, settings, shellFiles: [], set: new Set<string>() }
const lineOf = (key: string) =>
  showConfig(facts)
    .split('\n')
    .find((line) => line.startsWith(`${key} `) || line.startsWith(`# ${key} `))

describe('effectiveSettings', () => {
  it('lists each setting once, and a table never twice', () => {
    expect(settings.map(settingName).sort()).toEqual([...explainConfig({}).origins.keys()].sort())
    const tables = settings.map(({ table }) => table).filter((one, at, all) => one !== all[at - 1])
    expect(tables).toEqual([...new Set(tables)])
    expect(tables[0]).toBe('')
  })

  it('finds a table with all below it, and a setting by its whole name', () => {
    const names = (...wanted: string[]) => selectSettings(settings, wanted).map(settingName)
    expect(names('mail.smtp')).toEqual(['mail.smtp.host', 'mail.smtp.port', 'mail.smtp.secure'])
    expect(names('mail')).toEqual(expect.arrayContaining(['mail.admin', 'mail.smtp.port']))
    expect(names('keys.pool', 'root')).toEqual(['root', 'keys.pool'])
    expect(names()).toHaveLength(settings.length)
  })

  it.each(['keys.poo', 'key', 'mail.', '', 'keys.pool.x'])('knows no setting %j', async (name) => {
    const failure = await failureOf(() => selectSettings(settings, ['keys', name]))
    expect(failure).toMatchObject({ code: 'USAGE', data: { name } })
  })
})

describe('showConfig', () => {
  it('prints a file that says the same, whatever stands in the values', () => {
    const printed = showConfig(facts)
    expect(readConfig({ file: { path: '/pasted', text: printed } })).toEqual(readConfig(sources))
    expect(printed).not.toContain('\u202e')
  })

  it('says default, file and line, or variable of each', () => {
    expect(lineOf('root')).toBe(`${'root = "/srv/vobox"'.padEnd(44)} # ${path}:1`)
    expect(lineOf('refresh_seconds')).toMatch(/^refresh_seconds = "never" +# .*config\.toml:3$/)
    expect(lineOf('port')).toMatch(/^port = 7512 +# default$/)
    expect(lineOf('directory')).toMatch(/^directory = "\/ca" +# \$X509_CERT_DIR$/)
    expect(lineOf('servers')).toMatch(/^servers = \["one\.example\.org", ".*:7513"\] +# .*:9$/)
    expect(lineOf('server_dn')).toMatch(/^# server_dn is not set +# default$/)
  })

  it('warns of variables that the service has and this shell has not', () => {
    const shellFiles = [
      { path: '/etc/alicesgm-box-proxyrenewal', variables: ['MYPROXY_SERVER', 'X509_CERT_DIR'] },
      { path: '/etc/profile.d/grid-env.sh', variables: [] },
    ]
    const printed = showConfig({ ...facts, shellFiles, set: new Set(['X509_CERT_DIR']) })
    expect(printed.split('\n').slice(0, 3)).toEqual([
      `# configuration file: ${path}`,
      '# /etc/alicesgm-box-proxyrenewal sets MYPROXY_SERVER, X509_CERT_DIR for the service; not set here: MYPROXY_SERVER',
      '# /etc/profile.d/grid-env.sh sets nothing of this',
    ])
    expect(() => parse(printed)).not.toThrow()
  })

  it('is JSON with values as they are used', () => {
    const { settings: encoded, file } = JSON.parse(encodeConfig({ ...facts, file: undefined }))
    expect(file).toBeNull()
    expect(encoded).toContainEqual({
      name: 'renewal.lifetime_seconds',
      value: 172_800,
      origin: { kind: 'file', path, line: 4 },
    })
    expect(encoded).toContainEqual({
      name: 'renewal.refresh_seconds',
      value: null,
      origin: { kind: 'file', path, line: 3 },
    })
  })
})
