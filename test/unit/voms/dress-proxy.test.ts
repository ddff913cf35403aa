import { describe, expect, it } from 'vitest'
import { OID } from '../../../src/asn1/oids.js'
import { systemClock } from '../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { validateProxyChain } from '../../../src/proxy/validate-proxy-chain.js'
import { splitAcSequence } from '../../../src/voms/ac-sequence.js'
import { parseAttributeRequest } from '../../../src/voms/attribute-request.js'
import { type DressCall, dressProxy, type VomsContext } from '../../../src/voms/dress-proxy.js'
import { showFqan } from '../../../src/voms/fqan.js'
import { verifyAttributes } from '../../../src/voms/verify-attributes.js'
import { VomsesFiles } from '../../../src/voms/vomses-files.js'
import { TestVoms, vomsTrustOf } from '../../support/ac.js'
import { rejectionOf } from '../../support/failure.js'
import { CountingKeys } from '../../support/myproxy-context.js'
import { addProxy, anchorsOf, realNow, TestAuthority } from '../../support/pki.js'
import {
  type ScriptedVomsOptions,
  scriptedVomsContext,
  startScriptedVoms,
} from '../../support/scripted-voms.js'

const ca = new TestAuthority()
const aliceVoms = new TestVoms(ca)
const bobVoms = new TestVoms(ca, { vo: 'bob.example.org' })
const alice = ca.issueUser('alice')
const plain = addProxy(alice, { hours: 24 })

/** One server of VO alice, and what is needed to ask it. */
async function given(options: ScriptedVomsOptions = {}, changes: Partial<VomsContext> = {}) {
  const voms = await startScriptedVoms(aliceVoms, options)
  const context = await scriptedVomsContext(ca, [voms.server], changes)
  return { ...voms, context }
}

const dress = (context: VomsContext, requests: readonly string[], call: Partial<DressCall> = {}) =>
  dressProxy(context, {
    credential: plain,
    requests: requests.map(parseAttributeRequest),
    lifetimeSeconds: 43_200,
    ...call,
  })

const fqansOf = ({ certificates }: Awaited<ReturnType<typeof dress>>) =>
  certificates.map(({ fqans }) => fqans.map(showFqan))

const leafOf = ({ chain: [leaf] }: Credential) => {
  if (leaf === undefined) throw new Error('no leaf')
  return leaf
}

describe('a dressed proxy', () => {
  it('is given up after a tenth of a second where the vomses files cannot be read for longer', async () => {
    const { context } = await given()
    const files = { ...nodeFiles, facts: () => new Promise<never>(() => undefined) }
    const hanging = new VomsesFiles(files, systemClock, ['/nfs/vomses'])
    const failure = await rejectionOf(
      dress({ ...context, vomses: hanging, answerMs: 100 }, ['alice:/alice']),
    )
    expect(failure).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      persistence: 'transient',
      data: { vo: 'alice', paths: ['/nfs/vomses'], deadlineMs: 100 },
    })
  })

  it('is one RFC 3820 proxy below the plain one, valid, with a key of its own and the AC as received', async () => {
    let sent = ''
    const { context } = await given({
      change: (answer) => {
        sent = /<ac>(.*)<\/ac>/.exec(answer.toString('latin1'))?.[1] ?? ''
        return answer
      },
    })
    const { credential, missing, warnings } = await dress(context, ['alice:/alice/Role=lcgadmin'])
    const extension = leafOf(credential).extension(OID.vomsAcSequence)
    const received = splitAcSequence(extension?.value ?? new Uint8Array())
    expect(received.map((der) => Buffer.from(der).toString('base64'))).toEqual([sent])
    const { facts } = validateProxyChain(credential.chain, anchorsOf(ca), {
      now: realNow(),
      allowLegacyProxies: false,
      maxDelegationDepth: 10,
      purpose: 'client',
    })
    expect([facts.depth, facts.kind, facts.policy]).toEqual([2, 'rfc3820', 'inherit-all'])
    expect(credential.chain.slice(1)).toEqual(plain.chain)
    expect(extension?.critical).toBe(false)
    expect(leafOf(credential).extension(OID.subjectKeyIdentifier)).toBeDefined()
    expect(leafOf(credential).notAfter).toBe(leafOf(plain).notAfter)
    expect(credential.privateKey.equals(plain.privateKey)).toBe(false)
    expect([missing, warnings]).toEqual([[], []])
  })

  it('carries attributes that can be verified', async () => {
    const { context } = await given()
    const { certificates, end } = await dress(context, ['alice:/alice/Role=lcgadmin'])
    const [ac] = certificates
    if (ac === undefined) throw new Error('no attributes')
    const verified = verifyAttributes(ac, {
      endEntity: leafOf(alice),
      trust: vomsTrustOf(aliceVoms),
      anchors: anchorsOf(ca),
      now: realNow(),
    })
    expect(verified.by).toBe('lsc')
    expect(end).toBe(ac.notAfter)
    expect(end - realNow()).toBeGreaterThan(43_200 - 60)
  })

  it('ends when it was told to, and takes the policy that was asked for', async () => {
    const { context } = await given()
    const notAfter = (realNow() + 3600) as ReturnType<typeof realNow>
    const { credential } = await dress(context, ['alice'], { notAfter, policy: 'limited' })
    expect(leafOf(credential).notAfter).toBe(notAfter)
  })

  it('holds the FQANs in the order asked for, the first as primary', async () => {
    const { context, requests } = await given()
    const result = await dress(context, [
      'alice:/alice/team',
      'alice:/alice/Role=lcgadmin',
      'alice',
    ])
    expect(fqansOf(result)).toEqual([['/alice/team', '/alice/Role=lcgadmin', '/alice']])
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatch(
      /^GET \/generate-ac\?fqans=\/alice\/team,\/alice\/Role=lcgadmin,\/alice&lifetime=43200 HTTP\/1\.0\r\n/,
    )
  })

  it('of two VOs holds one AC each, the first VO first, however the requests are mixed', async () => {
    const first = await startScriptedVoms(aliceVoms)
    const second = await startScriptedVoms(bobVoms, {
      grants: { alice: ['/bob.example.org', '/bob.example.org/Role=pilot'] },
    })
    const context = await scriptedVomsContext(ca, [first.server, second.server])
    const requests = [
      'bob.example.org',
      'alice:/alice/Role=lcgadmin',
      'bob.example.org:/bob.example.org/Role=pilot',
    ]
    expect(fqansOf(await dress(context, requests))).toEqual([
      ['/bob.example.org', '/bob.example.org/Role=pilot'],
      ['/alice/Role=lcgadmin', '/alice', '/alice/team'],
    ])
  })

  it('costs no key when the attributes are refused', async () => {
    const keys = new CountingKeys()
    const { context } = await given({}, { keys })
    await rejectionOf(dress(context, ['alice:/alice/Role=production']))
    expect(keys.made).toBe(0)
  })
})

describe('the form of the request', () => {
  it('is REST where the server speaks it, then again', async () => {
    const { context, requests, peer } = await given()
    await dress(context, ['alice'])
    await dress(context, ['alice'])
    expect(requests.map((request) => request.slice(0, 4))).toEqual(['GET ', 'GET '])
    expect(peer.connections()).toBe(2)
  })

  it('is XML where REST is closed without an answer, and from then on at once', async () => {
    const { context, requests, peer } = await given({ forms: ['xml'] })
    await dress(context, ['alice:/alice/Role=lcgadmin'])
    expect(peer.connections()).toBe(2)
    await dress(context, ['alice:/alice/Role=lcgadmin'])
    expect(peer.connections()).toBe(3)
    expect(requests.map((request) => request.slice(0, 4))).toEqual(['GET ', '<?xm', '<?xm'])
  })

  it('is REST again once a server that spoke XML was replaced', async () => {
    const forms: ('rest' | 'xml')[] = ['xml']
    const { context, requests } = await given({ forms })
    await dress(context, ['alice'])
    forms[0] = 'rest'
    await dress(context, ['alice'])
    await dress(context, ['alice'])
    expect(requests.map((request) => request.slice(0, 4))).toEqual([
      ...['GET ', '<?xm'],
      ...['<?xm', 'GET '],
      'GET ',
    ])
  })

  it.each([
    ['in chunks', { framing: 'chunked' as const }],
    ['of a known length', { framing: 'length' as const }],
    [
      'of a known length, on a connection that stays open',
      { framing: 'length' as const, keepAlive: true },
    ],
    [
      'in chunks, on a connection that stays open',
      { framing: 'chunked' as const, keepAlive: true },
    ],
    ['in XML, on a connection that stays open', { forms: ['xml'] as const, keepAlive: true }],
  ])('may be answered %s', async (_how, options) => {
    const { context } = await given(options)
    expect(fqansOf(await dress(context, ['alice']))).toEqual([['/alice', '/alice/team']])
  })
})

describe('a lifetime', () => {
  it.each(['rest', 'xml'] as const)(
    'that %s shortens, with status 500 or number 2, is a warning in the words of the server',
    async (form) => {
      const { context } = await given({ forms: [form], maxLifetimeSeconds: 7200 })
      const { warnings, end } = await dress(context, ['alice'])
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toMatchObject({ kind: 'shorter-than-asked', vo: 'alice' })
      expect(warnings[0]?.message).toMatch(
        /^the attributes of alice last (2 h|1 h 59 min), not the 12 h asked for/,
      )
      expect(warnings[0]?.message).toContain(
        'says: "voms.alice.example.org: The validity of this VOMS AC',
      )
      expect(end - realNow()).toBeLessThanOrEqual(7200)
    },
  )

  it('that is shortened without a word is noticed all the same', async () => {
    const quiet = (answer: Buffer) =>
      Buffer.from(answer.toString('latin1').replace(/<warning>.*<\/warning>/, ''), 'latin1')
    const { context } = await given({ maxLifetimeSeconds: 7200, change: quiet })
    const { warnings } = await dress(context, ['alice'])
    expect(warnings.map(({ kind }) => kind)).toEqual(['shorter-than-asked'])
    expect(warnings[0]?.message).not.toContain('says')
  })

  it('that is as asked leaves other words of the server a warning of their own, made safe', async () => {
    const talk = (answer: Buffer) =>
      Buffer.from(
        answer.toString('latin1').replace('</voms>', '<warning>a\x1b[2Jb</warning></voms>'),
      )
    const { context } = await given({ change: talk })
    const { warnings } = await dress(context, ['alice'])
    expect(warnings).toEqual([
      { kind: 'server-says', vo: 'alice', message: 'the VOMS server of alice says: "a [2Jb"' },
    ])
  })
})

describe('less than was asked for', () => {
  const wanted = ['alice:/alice/Role=production', 'alice:/alice/Role=lcgadmin', 'alice:/alice/team']

  it.each(['rest', 'xml'] as const)('is refused (%s), in the words of the server', async (form) => {
    const { context } = await given({ forms: [form] })
    const failure = await rejectionOf(dress(context, wanted))
    expect(failure.code).toBe('VOMS_ATTRIBUTE_NOT_GRANTED')
    expect(failure.persistence).toBe('permanent')
    expect(failure.data).toMatchObject({ vo: 'alice', reason: 'refused', attempts: [{}] })
    expect(failure.message).toContain('"alice: Unable to satisfy /alice/Role=production request!"')
  })

  it.each(['rest', 'xml'] as const)(
    'is taken with allowPartial (%s), and what is missing is named',
    async (form) => {
      const { context } = await given({ forms: [form] })
      const result = await dress(context, wanted, { allowPartial: true })
      expect(fqansOf(result)).toEqual([['/alice/Role=lcgadmin', '/alice/team', '/alice']])
      expect(result.missing).toEqual([parseAttributeRequest('alice:/alice/Role=production')])
      expect(result.warnings).toMatchObject([{ kind: 'not-granted', vo: 'alice' }])
      expect(result.warnings[0]?.message).toMatch(
        /^alice:\/alice\/Role=production is not granted: VO alice: /,
      )
    },
  )

  it('that a server leaves out without a word is refused, or taken with allowPartial', async () => {
    const { context, server } = await given({ lenient: true })
    const failure = await rejectionOf(dress(context, wanted))
    expect(failure.code).toBe('VOMS_ATTRIBUTE_NOT_GRANTED')
    expect(failure.data).toMatchObject({ reason: 'left-out', missing: ['/alice/Role=production'] })
    expect(failure.data.attempts).toMatchObject([{ server: `${server.host}:${server.port}` }])
    const result = await dress(context, wanted, { allowPartial: true })
    expect(result.missing).toHaveLength(1)
  })

  it('may leave a whole VO out, but not everything', async () => {
    const first = await startScriptedVoms(aliceVoms)
    const second = await startScriptedVoms(bobVoms, { grants: {} })
    const context = await scriptedVomsContext(ca, [first.server, second.server])
    const call = { allowPartial: true }
    const result = await dress(context, ['bob.example.org', 'alice'], call)
    expect(fqansOf(result)).toEqual([['/alice', '/alice/team']])
    expect(result.missing).toEqual([{ vo: 'bob.example.org' }])
    const failure = await rejectionOf(dress(context, ['bob.example.org'], call))
    expect(failure.code).toBe('VOMS_NO_SUCH_USER')
  })

  it('in another order than asked for is no good', async () => {
    const { context } = await given({ order: (fqans) => fqans.toReversed() })
    const failure = await rejectionOf(dress(context, ['alice:/alice/Role=lcgadmin']))
    expect(failure.code).toBe('VOMS_ATTRIBUTE_NOT_GRANTED')
    expect(failure.data).toMatchObject({ reason: 'order', primary: '/alice/team' })
  })
})

describe('a refusal', () => {
  it.each([
    ['nobody of that name', {}, {}, 'VOMS_NO_SUCH_USER', 'User unknown to this VO.'],
    [
      'AUP not signed',
      undefined,
      { alice: 'AUP <not> signed & so' },
      'VOMS_USER_SUSPENDED',
      'AUP <not> signed & so',
    ],
  ])(
    '(%s) is the same in both forms, with the text of the server',
    async (_what, grants, suspended, code, text) => {
      for (const form of ['rest', 'xml'] as const) {
        const { context } = await given({ forms: [form], suspended, ...(grants && { grants }) })
        const failure = await rejectionOf(dress(context, ['alice']))
        expect(failure.code).toBe(code)
        expect(failure.message).toContain(text)
        expect(failure.data.serverText).toContain(text)
        expect(failure.hint).toBeDefined()
      }
    },
  )

  it('of a VO that no vomses line names asks nobody', async () => {
    const { context, peer } = await given()
    const failure = await rejectionOf(dress(context, ['carol']))
    expect(failure.code).toBe('VOMS_VO_UNKNOWN')
    expect(peer.connections()).toBe(0)
  })

  it('of one VO of two is thrown, though the other grants', async () => {
    const first = await startScriptedVoms(aliceVoms)
    const second = await startScriptedVoms(bobVoms, { grants: {} })
    const context = await scriptedVomsContext(ca, [first.server, second.server])
    const failure = await rejectionOf(dress(context, ['alice', 'bob.example.org']))
    expect([failure.code, failure.data.vo]).toEqual(['VOMS_NO_SUCH_USER', 'bob.example.org'])
  })
})

describe('a credential that carries attributes', () => {
  it('is refused before anybody is asked, with the cure', async () => {
    const { context, peer } = await given()
    const stored = addProxy(aliceVoms.addProxyTo(alice))
    const failure = await rejectionOf(dress(context, ['alice'], { credential: stored }))
    expect(failure.code).toBe('CREDENTIAL_CARRIES_ATTRIBUTES')
    expect(failure.hint).toContain('without --voms: vobox-proxy myproxy init --for-vobox')
    expect(failure.data.identity).toBe(leafOf(alice).subject.oneLine)
    expect(peer.connections()).toBe(0)
  })

  it('asks with allowCarried, and says what that means', async () => {
    const { context } = await given()
    const credential = aliceVoms.addProxyTo(alice)
    const { warnings } = await dress(context, ['alice'], { credential, allowCarried: true })
    expect(warnings.map(({ kind }) => kind)).toEqual(['carries-attributes'])
  })
})
