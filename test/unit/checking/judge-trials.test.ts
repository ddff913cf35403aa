import { describe, expect, it } from 'vitest'
import { type ErrorCode, VoboxError } from '../../../src/errors.js'
import type { StoredCredential } from '../../../src/myproxy/response.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import {
  type GivenProxy,
  judgeTrials,
  type ServerTrial,
  type TrialRules,
} from '../../../src/renewal/checking/judge-trials.js'
import { GrantMemory } from '../../../src/renewal/grant-memory.js'
import { addProxies, addProxy, TestAuthority } from '../../support/pki.js'
import { registration } from '../../support/registry.js'
import { DAY, HOUR } from '../../support/time.js'

const now = asUnixSeconds(1_800_000_000)
const at = (seconds: number) => asUnixSeconds(now + seconds)
const user = new TestAuthority().issueUser('alice')
const factsOf = (depth: number) =>
  describeChain((depth === 1 ? addProxy(user, { now }) : addProxies(user, depth)).chain)

const first = { host: 'px1', port: 7512 }
const second = { host: 'px2', port: 7512 }
const stored = (changes: Partial<StoredCredential> = {}): StoredCredential => ({
  owner: '/CN=alice',
  start: at(-DAY),
  end: at(100 * DAY),
  renewer: '*',
  ...changes,
})
const given = (changes: Partial<GivenProxy> = {}): GivenProxy => ({
  facts: factsOf(1),
  seconds: 48 * HOUR,
  storedEnd: at(100 * DAY),
  receivedAt: now,
  ...changes,
})
const error = (code: ErrorCode) => ({ error: new VoboxError(code, 'the server says no') })
const trial = (changes: Partial<ServerTrial> = {}): ServerTrial => ({
  server: first,
  stored: stored(),
  given: given(),
  ...changes,
})

const rules = (changes: Partial<TrialRules> = {}): TrialRules => ({
  registration: registration('alice', {
    servers: ['px1:7512', 'px2:7512'],
    lifetimeSeconds: 48 * HOUR,
    voms: [],
  }),
  machineDn: '/CN=vobox',
  grants: new GrantMemory(),
  maxDelegationDepth: 10,
  now,
  ...changes,
})

const told = (trials: readonly ServerTrial[], changes: Partial<TrialRules> = {}) =>
  judgeTrials(trials, rules(changes)).map(({ check, verdict }) => `${verdict} ${check}`)

describe('judgeTrials, of one server', () => {
  const well = ['good stored-credential', 'good renewer', 'good lifetime']

  it.each<[string, Partial<ServerTrial>, string[]]>([
    ['that gives 48 h from what ends in 100 days', {}, well],
    [
      'whose credential ends in 9 days, where 10 are asked for',
      { stored: stored({ end: at(9 * DAY) }) },
      ['doubtful stored-credential', 'good renewer', 'good lifetime'],
    ],
    [
      'whose credential has ended: nothing more is said',
      { stored: stored({ end: at(-1) }) },
      ['bad stored-credential'],
    ],
    [
      'that holds nothing: nothing more is said',
      { stored: undefined, given: undefined },
      ['bad stored-credential'],
    ],
    ['that tells by what it gives, and not by INFO', { stored: undefined }, well],
    [
      'that says it holds none',
      { stored: error('MYPROXY_NO_CREDENTIAL'), given: undefined },
      ['bad stored-credential'],
    ],
    [
      'that cannot be asked, which has a finding of its own',
      { stored: error('ALL_SERVERS_FAILED'), given: error('ALL_SERVERS_FAILED') },
      ['skipped stored-credential', 'skipped renewer'],
    ],
    [
      'that does not let this machine renew',
      { given: error('MYPROXY_NOT_AUTHORISED_RENEWER') },
      ['good stored-credential', 'bad renewer'],
    ],
    [
      'that gives 12 h where 48 are asked for',
      { given: given({ seconds: 12 * HOUR }) },
      ['good stored-credential', 'good renewer', 'doubtful lifetime'],
    ],
    [
      'whose proxies are delegated 6 times, where 10 is the most',
      { given: given({ facts: factsOf(6) }) },
      [...well, 'doubtful chain'],
    ],
    [
      'whose proxies are delegated 11 times',
      { given: given({ facts: factsOf(11) }) },
      [...well, 'bad chain'],
    ],
    [
      'whose credential carries VOMS attributes',
      { given: given({ facts: { ...factsOf(1), acBytes: Buffer.from('AC') } }) },
      [...well, 'bad stored-credential'],
    ],
  ])('%s', (_name, changes, findings) => {
    expect(told([trial(changes)])).toEqual(findings)
  })

  it('counts the proxy that VOMS attributes add: 5 delegations are 6', () => {
    const deep = [trial({ given: given({ facts: factsOf(5) }) })]
    const { registration: plain } = rules()
    expect(told(deep)).toEqual(well)
    expect(told(deep, { registration: { ...plain, voms: ['alice'] } })).toEqual([
      ...well,
      'doubtful chain',
    ])
  })

  it('says that nothing was tried where there is no machine proxy', () => {
    const { machineDn: _none, ...without } = rules()
    const findings = judgeTrials([trial({ given: undefined })], without)
    expect(findings.map(({ check, verdict }) => `${verdict} ${check}`)).toEqual([
      'good stored-credential',
      'skipped renewer',
    ])
  })

  it('names server, code and cure of a refusal, and when what is stored ends', () => {
    const [, renewer] = judgeTrials(
      [trial({ given: error('MYPROXY_NOT_AUTHORISED_RENEWER') })],
      rules(),
    )
    expect(renewer).toMatchObject({
      server: 'px1:7512',
      fileName: 'alice',
      identity: '/CN=alice',
      code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
      cure: expect.stringContaining('/CN=vobox'),
    })
    const [ending] = judgeTrials([trial({ stored: stored({ end: at(DAY) }) })], rules())
    expect(ending).toMatchObject({
      end: at(DAY),
      cure: expect.stringMatching(/^Its owner stores a new one: vobox-proxy myproxy init .*px1/),
    })
  })
})

describe('judgeTrials, of two servers', () => {
  const alike = (changes: Partial<ServerTrial>) =>
    judgeTrials([trial(), trial({ server: second, ...changes })], rules()).filter(
      ({ check }) => check === 'alike',
    )

  it.each<[string, Partial<ServerTrial>, RegExp]>([
    [
      'the ends of what they hold are 2 days apart',
      { stored: stored({ end: at(102 * DAY) }) },
      /^px1:7512 has a credential that ends in 100 d.*, and px2:7512 has .* in 102 d/,
    ],
    [
      'one gives 12 h',
      { given: given({ seconds: 12 * HOUR }) },
      /^px1:7512 has proxies of up to 48 h, and px2:7512 has proxies of up to 12 h$/,
    ],
    [
      'one names another renewer',
      { stored: stored({ renewer: '/CN=vobox' }) },
      /^px1:7512 has the renewer \*, and px2:7512 has the renewer \/CN=vobox$/,
    ],
    ['one names none', { stored: stored({ renewer: undefined as never }) }, /no renewer named$/],
  ])('%s', (_name, changes, sentence) => {
    const findings = alike(changes)
    expect(findings).toMatchObject([{ verdict: 'doubtful', fileName: 'alice' }])
    expect(findings[0]?.sentence).toMatch(sentence)
  })

  it('an hour between two uploads is no difference', () => {
    expect(alike({ stored: stored({ end: at(100 * DAY + HOUR) }) })).toMatchObject([
      { verdict: 'good', sentence: 'its 2 MyProxy servers are alike' },
    ])
    expect(alike({ stored: stored({ end: at(100 * DAY + HOUR + 1) }) })).toMatchObject([
      { verdict: 'doubtful' },
    ])
  })

  it('nothing is said of two of which one does not answer', () => {
    expect(alike({ stored: error('ALL_SERVERS_FAILED'), given: undefined })).toEqual([])
  })
})
