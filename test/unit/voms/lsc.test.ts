import { describe, expect, it } from 'vitest'
import { lscLinesFor, matchesLsc, parseLsc } from '../../../src/voms/lsc.js'
import { buildName } from '../../../src/x509/name.js'
import { TestVoms } from '../../support/ac.js'
import { failureOf } from '../../support/failure.js'
import { authority } from '../../support/path-validation.js'

const root = authority('Root')
const middle = authority('Middle', { parent: root })
const direct = new TestVoms(root)
const below = new TestVoms(middle, { host: 'voms2.example.org' })
const FILE = '/etc/grid-security/vomsdir/alice/voms.example.org.lsc'

const SERVER = '/DC=org/DC=example/OU=Hosts/CN=voms.alice.example.org'
const ROOT = '/DC=org/DC=example/CN=Root'
const MIDDLE = '/DC=org/DC=example/CN=Middle'

const matches = (text: string, voms: TestVoms = direct) =>
  matchesLsc(parseLsc(text, FILE), voms.credential.chain)

describe('a .lsc file', () => {
  it.each([
    ['with the subject and its issuer', `${SERVER}\n${ROOT}\n`],
    ['without a newline at its end', `${SERVER}\n${ROOT}`],
    ['with CR LF, blanks and empty lines', `\r\n  ${SERVER} \r\n\r\n${ROOT}\r\n`],
    ['with remarks and a line of dashes', `# ours\n-----\n${SERVER}\n${ROOT}\n-----\n`],
    ['as its second chain', `/CN=a\n/CN=b\n------ NEXT CHAIN ------\n${SERVER}\n${ROOT}\n`],
    ['as its first chain', `${SERVER}\n${ROOT}\n------ NEXT CHAIN ------\n/CN=a\n/CN=b\n`],
  ])('%s matches', (_title, text) => {
    expect(matches(text)).toBe(true)
  })

  it.each([
    ['the other way round', `${ROOT}\n${SERVER}\n`],
    ['with another server', `${SERVER}x\n${ROOT}\n`],
    ['with another CA', `${SERVER}\n${MIDDLE}\n`],
    ['in other letters', `${SERVER.toUpperCase()}\n${ROOT}\n`],
    ['with one pair more', `${SERVER}\n${ROOT}\n${ROOT}\n${ROOT}\n`],
    ['half in one chain, half in the next', `${SERVER}\n/CN=b\n- NEXT CHAIN -\n/CN=a\n${ROOT}\n`],
  ])('%s does not', (_title, text) => {
    expect(matches(text)).toBe(false)
  })

  it('matches 2 certificates pair by pair, in their order alone', () => {
    const leaf = '/DC=org/DC=example/OU=Hosts/CN=voms2.example.org'
    expect(below.lscText).toBe(`${leaf}\n${MIDDLE}\n${MIDDLE}\n${ROOT}\n`)
    expect(matches(below.lscText, below)).toBe(true)
    expect(matches(`${leaf}\n${MIDDLE}\n`, below)).toBe(false)
    expect(matches(`${MIDDLE}\n${ROOT}\n${leaf}\n${MIDDLE}\n`, below)).toBe(false)
    expect(lscLinesFor(below.credential.chain)).toEqual([leaf, MIDDLE, MIDDLE, ROOT])
  })

  it('matches nobody without certificates', () => {
    expect(matchesLsc(parseLsc(direct.lscText, FILE), [])).toBe(false)
  })

  it.each(['/DC=org/CN=host\\/voms.example.org', '/DC=org/CN=host/voms.example.org'])(
    'may write a slash inside a name as %s',
    (text) => {
      const name = buildName([
        ['DC', 'org'],
        ['CN', 'host/voms.example.org'],
      ])
      const [leaf] = root.issueHost('voms.example.org', { name }).chain
      if (leaf === undefined) throw new TypeError('no certificate')
      expect(matchesLsc(parseLsc(`${text}\n${ROOT}\n`, FILE), [leaf])).toBe(true)
    },
  )

  it.each([
    ['empty', '', undefined],
    ['of remarks alone', '# nobody\n', undefined],
    ['of 3 names', `${SERVER}\n${ROOT}\n${ROOT}\n`, undefined],
    ['of 1 name in its second chain', `${SERVER}\n${ROOT}\n- NEXT CHAIN -\n${SERVER}\n`, undefined],
    ['with other text in line 2', `${SERVER}\nCN=Root\n`, 2],
  ])('%s cannot be used', (_title, text, line) => {
    const failure = failureOf(() => parseLsc(text, FILE))
    expect(failure).toMatchObject({ code: 'VOMS_TRUST_MISSING', data: { file: FILE } })
    expect(failure.data.line).toBe(line)
  })
})
