import { describe, expect, it } from 'vitest'
import MyProxyLogon from '../../../commands/myproxy/logon.js'
import { parseLogonLine, QUICK_LOGON_OPTIONS } from '../../../src/node/cli/logon-line.js'
import { looksLikeLogon } from '../../../src/node/cli/looks-like-logon.js'

interface Declared {
  type: string
  char?: string
}

const declared = { ...MyProxyLogon.baseFlags, ...MyProxyLogon.flags } as Record<string, Declared>

const parse = (line: string) => parseLogonLine(line.split(' ').filter((word) => word !== ''))

/** What the line says, without what it leaves open. */
const said = (line: string) =>
  Object.fromEntries(
    Object.entries(parse(line) ?? {}).filter(([, value]) => value !== undefined && value !== false),
  )

describe('the quick options of myproxy logon', () => {
  it.each(QUICK_LOGON_OPTIONS)(
    '$names is an option of the command, and means the same',
    (option) => {
      const [name, letter] = option.names
      expect(declared[name]).toMatchObject({ type: option.takesValue ? 'option' : 'boolean' })
      expect(declared[name]?.char).toBe(letter)
    },
  )
})

describe('looksLikeLogon', () => {
  it.each([
    ['myproxy logon -S', true],
    ['myproxy-logon -S', true],
    ['myproxy-get-delegation', true],
    ['myproxy info', false],
    ['query', false],
    ['', false],
  ])('%s: %s', (line, answer) => {
    expect(looksLikeLogon(line.split(' '))).toBe(answer)
  })
})

describe('parseLogonLine', () => {
  it('reads what a cron job says', () => {
    expect(said('myproxy logon -q -S -l robot -s px.example.org:7512 -o /tmp/p -t 24')).toEqual({
      pshost: 'px.example.org:7512',
      username: 'robot',
      out: '/tmp/p',
      lifetimeSeconds: 86_400,
      'stdin-pass': true,
      quiet: true,
    })
  })

  it('reads letters that stand together, and values in the same word', () => {
    expect(said('myproxy logon -dn -afile --psport=7513 -t90m')).toEqual({
      'dn-as-username': true,
      'no-passphrase': true,
      authorization: 'file',
      psport: 7513,
      lifetimeSeconds: 5400,
    })
  })

  it('keeps several attributes in their order', () => {
    expect(said('myproxy logon -m alice:/alice/Role=x --voms bob --vomses a --vomses b')).toEqual({
      voms: ['alice:/alice/Role=x', 'bob'],
      vomses: ['a', 'b'],
    })
  })

  it('takes a lifetime of 0, which is as much as the server gives', () => {
    expect(said('myproxy-logon -S -l robot -t 0')?.lifetimeSeconds).toBe(0)
  })

  it('reads the C tool’s line, and is as terse as that', () => {
    expect(said('myproxy-logon --stdin_pass --username robot -t 12')).toEqual({
      'stdin-pass': true,
      username: 'robot',
      lifetimeSeconds: 43_200,
      terse: true,
      tool: 'myproxy-logon',
    })
  })

  it.each([
    ['another command', 'myproxy info -l x'],
    ['a stray word', 'myproxy logon -S stray'],
    ['a lifetime of half a minute', 'myproxy logon -t 30s'],
    ['a port that is none', 'myproxy logon -p 70000'],
    ['a port that is no number', 'myproxy logon -p x'],
    ['a kind of key that is not made', 'myproxy logon --key-type rsa1024'],
    ['two places for the pass phrase', 'myproxy logon -S --pass-phrase-file f'],
    ['a pass phrase and none', 'myproxy logon -S -n'],
    ['attributes unverified, and none', 'myproxy logon --no-verify'],
    ['a pass phrase for a renewal', 'myproxy logon -S -a f'],
    ['the help of the C tool', 'myproxy-logon --help'],
  ])('leaves %s to the whole program', (_what, line) => {
    expect(parse(line)).toBeUndefined()
  })

  it.each([
    ['CA files', 'myproxy logon -T'],
    ['JSON', 'myproxy logon --json'],
    ['an option that nobody knows', 'myproxy logon --wat'],
    ['a value that is missing', 'myproxy logon -l'],
    ['a lifetime that is none', 'myproxy logon -t x'],
    ['another VO', 'myproxy logon --vo alice'],
  ])('leaves %s to the whole program by failing', (_what, line) => {
    expect(() => parse(line)).toThrow()
  })
})
