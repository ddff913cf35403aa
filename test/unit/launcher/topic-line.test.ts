import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../commands/index.js'
import { VoboxError } from '../../../src/errors.js'
import { asTyped, toArgv } from '../../../src/node/cli/launcher.js'
import { topicCommands } from '../../../src/node/cli/topic-commands.js'
import { parseTopicLine } from '../../../src/node/cli/topic-line.js'
import { failureOf } from '../../support/failure.js'

const commands = topicCommands(COMMANDS)

const read = (line: string) => parseTopicLine(line.split(' '), commands)

describe('parseTopicLine', () => {
  it.each([
    ['myproxy info', 'myproxy info', ''],
    ['myproxy info -l joe', 'myproxy info', '--username=joe'],
    ['-l joe myproxy info', 'myproxy info', '--username=joe'],
    ['-l myproxy myproxy info', 'myproxy info', '--username=myproxy'],
    ['--username=joe myproxy -s h info -v', 'myproxy info', '--username=joe --pshost=h --verbose'],
    [
      'myproxy init -dn -t 48',
      'myproxy init',
      '--dn-as-username --no-passphrase --proxy-lifetime=48',
    ],
    ['-a myproxy init', 'myproxy init', '--allow-anonymous-retrievers'],
    ['-a old myproxy logon', 'myproxy logon', '--authorization=old'],
    ['myproxy store -c cert -y key', 'myproxy store', '--certfile=cert --keyfile=key'],
    ['myproxy init -c 100 -C cert', 'myproxy init', '--cred-lifetime=100 --certfile=cert'],
    ['myproxy init --cred_lifetime=9', 'myproxy init', '--cred-lifetime=9'],
    [
      'myproxy init -r A -x -r B -X -R C',
      'myproxy init',
      '--retrievable-by=A --regex-dn-match --retrievable-by=B --match-cn-only --renewable-by=C',
    ],
    ['myproxy info -u', 'myproxy info', '--help'],
    ['myproxy info --help', 'myproxy info', '--help'],
    ['myproxy info -V', 'myproxy info', '--version'],
  ])('understands %s', (line, command, argv) => {
    const found = read(line)
    expect(found?.command).toBe(command)
    expect(found && toArgv(found).join(' ')).toBe(argv)
  })

  it('keeps the values of an option that may be repeated, and the last of any other', () => {
    const line = read('myproxy init -m alice -m cms -l a -l b')
    expect(line?.options.get('voms')).toEqual(['alice', 'cms'])
    expect(line?.options.get('username')).toEqual(['b'])
    expect(line && toArgv(line)).toEqual(['--voms=alice', '--voms=cms', '--username=b'])
  })

  it.each([
    ['myproxy logon -t abc', '-t: no'],
    ['-tabc myproxy logon', '-t: no'],
    ['myproxy logon --proxy_lifetime abc', '--proxy-lifetime: no'],
    ['myproxy logon -t 1 --proxy-lifetime=abc', '--proxy-lifetime: no'],
    ['myproxy logon -n', '--proxy-lifetime: no'],
  ])('blames a value in %s as %s', (words, message) => {
    const data = { option: 'proxy-lifetime' }
    const mistake = new VoboxError('USAGE', '--proxy-lifetime: no', { data })
    const line = read(words)
    expect(line && asTyped(mistake, line)).toMatchObject({ code: 'USAGE', message, data })
  })

  it.each([
    ['query'],
    ['info'],
    ['query --vo myproxy info'],
    ['help myproxy'],
    ['help myproxy info'],
    ['myproxy'],
    ['myproxy --help'],
    ['--help'],
  ])('leaves %s to others', (line) => {
    expect(read(line)).toBeUndefined()
  })

  it.each([
    ['myproxy inof', "there is no command 'myproxy inof'", 'did you mean myproxy info?'],
    ['myproxy nonsense -x', "there is no command 'myproxy nonsense'", 'vobox-proxy help myproxy'],
    ['myproxy info --bogus', 'myproxy info has no option --bogus', 'myproxy info --help'],
    ['--bogus myproxy info', 'myproxy info has no option --bogus', 'myproxy info --help'],
    ['myproxy info -l', 'option -l needs a value', 'myproxy info --help'],
  ])('refuses %s', (line, message, hint) => {
    const failure = failureOf(() => read(line))
    expect([failure.code, failure.message]).toEqual(['USAGE', message])
    expect(failure.hint).toContain(hint)
  })
})

describe('the commands of two words', () => {
  it('are those of jobs, the eight of MyProxy, and those of its server, which is one of one word too', () => {
    const ofMyProxy = ['change-pass-phrase', 'destroy', 'get-trustroots', 'info', 'init', 'logon']
    const ofJobs = ['get', 'import', 'list', 'register', 'unregister']
    expect([...commands.keys()].sort()).toEqual([
      ...ofJobs.map((name) => `job ${name}`),
      ...[...ofMyProxy, 'retrieve', 'store'].map((name) => `myproxy ${name}`),
      ...['myproxy-server', 'myproxy-server replicate'],
    ])
  })

  it.each([
    ['myproxy-server -c a -p 0', 'myproxy-server', ['--config=a', '--port=0']],
    ['-d myproxy-server', 'myproxy-server', ['--debug']],
    ['-c a myproxy-server replicate -v', 'myproxy-server replicate', ['--config=a', '--verbose']],
    ['myproxy-server -c replicate', 'myproxy-server', ['--config=replicate']],
  ])('reads %s by the letters of %s', (line, command, sequence) => {
    expect(read(line)).toMatchObject({ command, operands: [], sequence })
  })

  it.each([...commands])('%s gives each name and letter to one option', (_name, options) => {
    const names = options.flatMap((option) => option.names)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })
})
