import { describe, expect, it } from 'vitest'
import { parseCommandLine, toArgv } from '../../../src/node/cli/launcher.js'
import { failureOf } from '../../support/failure.js'

const dn = '/DC=ch/DC=cern/OU=Users/CN=A B C/CN=x=y'

/** What callers write, and what oclif gets. */
const callers: [string, string[], string, string[]][] = [
  [
    'options before the command, a DN with spaces and =',
    ['--vo', 'alice', '--voms', 'alice:/alice/Role=lcgadmin', '--dn', dn, 'query-proxy-filename'],
    'query-proxy-filename',
    ['--vo=alice', '--voms=alice:/alice/Role=lcgadmin', `--dn=${dn}`],
  ],
  ['a bare -t 48', ['register', '-t', '48'], 'register', ['--hours=48']],
  ['-t48 in one word', ['register', '-t48'], 'register', ['--hours=48']],
  ['-t=48 in one word', ['register', '-t=48'], 'register', ['--hours=48']],
  ['a long option with one dash', ['query', '-dn', 'all'], 'query', ['--dn=all']],
  ['one dash and =', ['-dn=all', 'query'], 'query', ['--dn=all']],
  [
    '--dn all before query',
    ['--vo', 'alice', '--dn', 'all', 'query'],
    'query',
    ['--vo=alice', '--dn=all'],
  ],
  [
    'one dash and two mixed',
    [
      '--vo',
      'cms',
      '-proxy-safe',
      '3600',
      '--myproxy-safe',
      '259200',
      '--email',
      'a@b',
      'register',
    ],
    'register',
    ['--vo=cms', '--proxy-safe=3600', '--myproxy-safe=259200', '--email=a@b'],
  ],
  [
    'a flag before the command',
    ['--vo', 'dteam', '--force', 'register'],
    'register',
    ['--vo=dteam', '--force'],
  ],
  ['= between name and value', [`--dn=${dn}`, 'query-dn'], 'query-dn', [`--dn=${dn}`]],
  ['a DN quoted twice with single quotes', ['--dn', `'${dn}'`, 'query'], 'query', [`--dn=${dn}`]],
  ['a DN quoted twice with double quotes', [`--dn="${dn}"`, 'query'], 'query', [`--dn=${dn}`]],
  [
    'a twice quoted DN that the shell split into three words',
    ['--dn', "'/DC=ch/CN=A", 'B', "C'", 'query'],
    'query',
    ['--dn=/DC=ch/CN=A B C'],
  ],
  ['an opening quote that never closes', ['--dn', "'/CN=O", 'query'], 'query', ["--dn='/CN=O"]],
  ['quotes inside a path', ['info', '-f', "'odd'"], 'info', ["--file='odd'"]],
  ['the server by its letter', ['register', '-s', 'a:7512,b'], 'register', ['--server=a:7512,b']],
  [
    'user name and credential name',
    ['register', '-l', 'joe', '-k', 'c1'],
    'register',
    ['--username=joe', '--credname=c1'],
  ],
  [
    'two --voms in order',
    ['register', '--voms', 'b', '-voms=a'],
    'register',
    ['--voms=b', '--voms=a'],
  ],
  ['the last of two --vo', ['--vo', 'a', 'query', '--vo', 'b'], 'query', ['--vo=b']],
  ['a value that begins with a dash', ['query', '--dn', '-odd'], 'query', ['--dn=-odd']],
  ['a negative number as a value', ['register', '-t', '-5'], 'register', ['--hours=-5']],
  ['an empty value', ['query', '--dn='], 'query', ['--dn=']],
  ['words after the command', ['help', 'register'], 'help', ['register']],
  ['help before the command', ['--help', 'register'], 'register', ['--help']],
  ['-h after the command', ['register', '-h'], 'register', ['--help']],
  ['words after --', ['info', '--', '--odd'], 'info', ['--odd']],
  ['-vo behind info as the VO of attributes', ['info', '-vo', '/f'], 'info', ['/f', '--vo-name']],
  ['-vo before info as everywhere', ['-vo', 'alice', 'info'], 'info', ['--vo=alice']],
  ['--vo=VO behind info as everywhere', ['info', '--vo=alice'], 'info', ['--vo=alice']],
  [
    'what other tools call our options',
    ['info', '-acserial', '-dont-verify-ac', '-usage'],
    'info',
    ['--serial', '--no-verify', '--help'],
  ],
]

describe('parseCommandLine', () => {
  it.each(callers)('understands %s', (_name, words, command, argv) => {
    const line = parseCommandLine(words)
    expect(line.command).toBe(command)
    expect(toArgv(line)).toEqual(argv)
  })

  it('finds no command in nothing, in --version and in --help', () => {
    expect(parseCommandLine([]).command).toBeUndefined()
    expect(parseCommandLine(['--version'])).toEqual({
      command: undefined,
      options: new Map([['version', []]]),
      operands: [],
    })
    expect(parseCommandLine(['-help']).options.has('help')).toBe(true)
  })

  it.each([
    ['an unknown option', ['--forse', 'register'], 'there is no option --forse', '--force'],
    [
      'an unknown option with one dash',
      ['-dnn', 'all', 'query'],
      'there is no option -dnn',
      '--dn',
    ],
    [
      'an option with two letters swapped',
      ['register', '-emial', 'a@example.org'],
      'there is no option -emial',
      '--email',
    ],
    [
      'the beginning of an option',
      ['--myproxy', '1', 'register'],
      'there is no option --myproxy',
      '--myproxy-safe',
    ],
    [
      'an unknown option with a value',
      ['--foo=/secret', 'query'],
      'there is no option --foo',
      undefined,
    ],
  ])('refuses %s and says what was meant', (_name, words, message, meant) => {
    const failure = failureOf(() => parseCommandLine(words))
    expect(failure).toMatchObject({ code: 'USAGE', message })
    expect(failure.hint).toBe(meant === undefined ? undefined : `did you mean ${meant}?`)
  })

  it.each([
    ['--dn at the end', ['query', '--dn'], 'dn', '--dn'],
    ['--dn followed by an option', ['--dn', '--vo', 'alice', 'query'], 'dn', '--dn'],
    ['-dn followed by a one-dash option', ['query', '-dn', '-voms', 'x'], 'dn', '--dn'],
    ['-t followed by --', ['register', '-t', '--'], 'hours', '-t'],
  ])('says that a value is missing: %s', (_name, words, option, shown) => {
    expect(failureOf(() => parseCommandLine(words))).toMatchObject({
      code: 'USAGE',
      message: `option ${shown} needs a value`,
      data: { option },
    })
  })

  it('refuses a value for a flag', () => {
    expect(failureOf(() => parseCommandLine(['register', '--force=yes']))).toMatchObject({
      code: 'USAGE',
      message: 'option --force takes no value',
    })
  })

  it('keeps control characters of an unknown option off the terminal', () => {
    const failure = failureOf(() => parseCommandLine(['--\u001b[31mred', 'query']))
    expect(failure.message).toBe('there is no option -- [31mred')
  })
})
