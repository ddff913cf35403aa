import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../../commands/index.js'
import { serverOptionsOf } from '../../../../src/node/myproxy-server/server-options.js'
import {
  parseServerLine,
  SERVER_OPTIONS,
  serverUsage,
  wordsOf,
} from '../../../../src/node/myproxy-server/server-words.js'
import { failureOf } from '../../../support/failure.js'

const NOTHING_THERE = () => false
const parse = (line: string) =>
  parseServerLine(
    line.split(' ').filter((word) => word !== ''),
    'myproxy-server',
  )

describe('serverOptionsOf', () => {
  it('takes what the C server takes where nothing is said', () => {
    expect(serverOptionsOf({}, {}, NOTHING_THERE)).toEqual({
      configFile: '/etc/myproxy-server.config',
      storageDirectory: '/var/lib/myproxy',
      host: undefined,
      port: 7512,
      pidFile: undefined,
      portFile: undefined,
      foreground: false,
      verbose: false,
    })
  })

  it('makes paths absolute, since the server leaves its directory', () => {
    const given = { config: 'a', storage: 'b', pidfile: 'c', portfile: 'd' }
    const { configFile, storageDirectory, pidFile, portFile } = serverOptionsOf(given, {})
    const here = process.cwd()
    expect([configFile, storageDirectory, pidFile, portFile]).toEqual(
      ['a', 'b', 'c', 'd'].map((name) => `${here}/${name}`),
    )
  })

  it.each([
    [['/var/myproxy'], '/var/myproxy'],
    [['/var/lib/myproxy', '/var/myproxy'], '/var/lib/myproxy'],
  ])('where %j is there, it stores in %s', (there, directory) => {
    const { storageDirectory } = serverOptionsOf({}, {}, (path) => there.includes(path))
    expect(storageDirectory).toBe(directory)
  })

  it.each([
    ['the default', undefined, undefined, 7512],
    ['MYPROXY_SERVER_PORT', undefined, '7513', 7513],
    ['--port before MYPROXY_SERVER_PORT', '0', '7513', 0],
    ['an empty MYPROXY_SERVER_PORT for none', undefined, '', 7512],
  ])('listens on %s', (_what, port, MYPROXY_SERVER_PORT, expected) => {
    expect(serverOptionsOf({ port }, { MYPROXY_SERVER_PORT }).port).toBe(expected)
  })

  it.each([
    ['--port', { port: '65536' }, {}],
    ['--port', { port: '-1' }, {}],
    ['--port', { port: '' }, {}],
    ['MYPROXY_SERVER_PORT', {}, { MYPROXY_SERVER_PORT: '0x1d58' }],
  ])('blames %s for a port that is none: %j %j', (option, given, environment) => {
    const failure = failureOf(() => serverOptionsOf(given, environment))
    expect([failure.code, failure.data.option]).toEqual(['USAGE', option])
  })
})

describe('the command line of the C server', () => {
  it.each([
    ['-c a -s b -l c -p 1 -P d -z e', 'short, a value behind each'],
    ['-ca -sb -lc -p1 -Pd -ze', 'short, with its value'],
    ['--config=a --storage b --listen=c --port 1 --pidfile d --portfile=e', 'long'],
    ['--conf a --stor b --list c -p 1 --pid d --portf e', 'long, cut short'],
  ])('%s: %s', (line) => {
    expect(parse(line)).toEqual({
      given: { config: 'a', storage: 'b', listen: 'c', port: '1', pidfile: 'd', portfile: 'e' },
    })
  })

  it.each([
    ['-dv', { given: { debug: true, verbose: true } }],
    ['-u', { asksFor: 'help' }],
    ['-d --version -c a', { asksFor: 'version' }],
    ['', { given: {} }],
  ])('takes %j', (line, expected) => {
    expect(parse(line)).toEqual(expected)
  })

  it.each(['foo', '-x', '--por 1', '-c', '--debug=1'])('refuses %s', (line) => {
    expect(failureOf(() => parse(line)).code).toBe('USAGE')
  })

  it('is shown whole in its usage, in lines of a terminal', () => {
    const usage = serverUsage('myproxy-server')
    for (const { names } of SERVER_OPTIONS) for (const name of names) expect(usage).toContain(name)
    expect(usage.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('has the options and the letters of our command', () => {
    const { flags } = COMMANDS['myproxy-server']
    const own = SERVER_OPTIONS.filter(({ name }) => name !== 'help' && name !== 'version')
    expect(own.map(({ names: [name = ''], names: [, char] }) => [name, char]).sort()).toEqual(
      Object.entries(flags)
        .map(([name, { char }]) => [name, char])
        .sort(),
    )
  })

  it('is the same when it is written for another process', () => {
    const given = { config: 'a b', port: '0', debug: true, verbose: false, storage: undefined }
    expect(wordsOf({ ...given, vo: 'x' } as never)).toEqual(['--config=a b', '--port=0', '--debug'])
    const again = parseServerLine(wordsOf(given), 'myproxy-server')
    expect(again).toEqual({ given: { config: 'a b', port: '0', debug: true } })
  })
})
