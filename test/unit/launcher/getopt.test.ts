import { describe, expect, it } from 'vitest'
import { type GetoptOption, type GetoptRules, readOptions } from '../../../src/node/cli/getopt.js'
import { failureOf } from '../../support/failure.js'

const flag = (...names: string[]): GetoptOption => ({ names, takesValue: false })
const valued = (...names: string[]): GetoptOption => ({ names, takesValue: true })

const OPTIONS = [
  flag('verbose', 'v'),
  flag('version', 'V'),
  flag('dn_as_username', 'd'),
  flag('no_passphrase', 'n'),
  valued('username', 'l'),
  valued('credname', 'k'),
  valued('creddesc', 'K'),
  valued('t'),
]

const C: GetoptRules = { abbreviations: true, program: 'tool', hint: 'usage' }
const OURS: GetoptRules = { oneDash: true, program: 'myproxy info', hint: 'usage' }

function read(line: string, rules: GetoptRules) {
  const { given, operands } = readOptions(line.split(' '), OPTIONS, rules)
  const shown = given.map(({ option, value }) =>
    value === undefined ? option.names[0] : `${option.names[0]}=${value}`,
  )
  return [...shown, ...operands.map((word) => `(${word})`)].join(' ')
}

describe('as getopt_long reads them', () => {
  it.each([
    ['-d -n', 'dn_as_username no_passphrase'],
    ['-dn', 'dn_as_username no_passphrase'],
    ['-dnl joe', 'dn_as_username no_passphrase username=joe'],
    ['-dnljoe -v', 'dn_as_username no_passphrase username=joe verbose'],
    ['-l=joe', 'username==joe'],
    ['--username joe', 'username=joe'],
    ['--username=joe=x', 'username=joe=x'],
    ['--user joe', 'username=joe'],
    ['--dn-as', 'dn_as_username'],
    ['--dn_as-username', 'dn_as_username'],
    ['--version', 'version'],
    ['--username --verbose', 'username=--verbose'],
    ['-l -v', 'username=-v'],
    ['-t48 -t 12', 't=48 t=12'],
    ['a -v b -- -n', 'verbose (a) (b) (-n)'],
    ['- -v', 'verbose (-)'],
    ['-help', 'refused: tool has no option -h'],
    ['-v1', 'refused: tool has no option -1'],
    ['--bogus', 'refused: tool has no option --bogus'],
    ['--cred x', 'refused: --cred could be --credname, --creddesc'],
    ['--ver', 'refused: --ver could be --verbose, --version'],
    ['--verbose=yes', 'refused: option --verbose takes no value'],
    ['-n --username', 'refused: option --username needs a value'],
    ['-nl', 'refused: option -l needs a value'],
    ['--t 5', 'refused: tool has no option --t'],
  ])('%s: %s', (line, expected) => {
    if (!expected.startsWith('refused')) {
      expect(read(line, C)).toBe(expected)
      return
    }
    const failure = failureOf(() => read(line, C))
    expect(failure.code).toBe('USAGE')
    expect(`refused: ${failure.message}`).toBe(expected)
    expect(failure.hint?.endsWith('usage')).toBe(true)
  })
})

describe('as ours', () => {
  it.each([
    ['-username joe', 'username=joe'],
    ['-username=joe', 'username=joe'],
    ['-l=joe -t=48', 'username=joe t=48'],
    ['-dn -t48', 'dn_as_username no_passphrase t=48'],
    ['--dn-as-username', 'dn_as_username'],
    ['--user joe', 'refused: myproxy info has no option --user'],
  ])('%s: %s', (line, expected) => {
    if (!expected.startsWith('refused')) {
      expect(read(line, OURS)).toBe(expected)
      return
    }
    expect(`refused: ${failureOf(() => read(line, OURS)).message}`).toBe(expected)
  })

  it('says what was meant', () => {
    expect(failureOf(() => read('--usrename joe', OURS)).hint).toBe(
      'did you mean --username?\nusage',
    )
  })

  it('shows no value, and no control character, in what it refuses', () => {
    const failure = failureOf(() => read('--pass\u001b[1m=secret', OURS))
    expect(JSON.stringify([failure.message, failure.data])).not.toMatch(/secret|\\u001b/)
  })
})
