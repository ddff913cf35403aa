/** VOMS without a network: real attribute certificates of servers in memory, under a fake clock. */
import { VoboxError } from '../../src/errors.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import type { Credential } from '../../src/proxy/credential.js'
import type { AttributeSource } from '../../src/renewal/context.js'
import { type AttributeRequest, showAttributeRequest } from '../../src/voms/attribute-request.js'
import { type Fqan, parseFqan, showFqan, showFullFqan } from '../../src/voms/fqan.js'
import type { VomsTrust } from '../../src/voms/voms-trust.js'
import { type AcOptions, addAttributes, TestVoms, vomsTrustOf } from './ac.js'
import type { FakeClock } from './fake-clock.js'
import type { TestAuthority } from './pki.js'

export type DressRequest = Parameters<AttributeSource['dress']>[0]

/** Servers of the VOs `alice` and `bob`. What is granted, and all hooks, may be changed at any time. */
export class ScriptedVoms implements AttributeSource {
  readonly servers: Readonly<Record<string, TestVoms>>
  /** What is in the `vomsdir`. */
  trust: VomsTrust
  /** FQANs that everybody has, without `NULL` parts. */
  readonly granted = new Set(['/alice', '/alice/Role=lcgadmin', '/alice/team', '/bob'])
  /** Every request, in order. */
  readonly asked: { requests: string[]; lifetimeSeconds: number; identity: string }[] = []
  /** The servers' own cap, in seconds. */
  capSeconds = Number.POSITIVE_INFINITY
  /** Runs before each answer; what it throws is the answer. */
  behave: (call: DressRequest) => Promise<void> = async () => {}
  /** Makes the attribute certificates of one VO wrong. */
  falsify: (vo: string) => AcOptions & { holder?: Credential; server?: TestVoms } = () => ({})
  readonly #clock: FakeClock

  constructor(clock: FakeClock, ca: TestAuthority) {
    this.#clock = clock
    this.servers = { alice: new TestVoms(ca), bob: new TestVoms(ca, { vo: 'bob' }) }
    this.trust = vomsTrustOf(...Object.values(this.servers))
  }

  async dress(call: DressRequest) {
    const { credential, requests, lifetimeSeconds, allowPartial } = call
    const { identity, effectiveEnd } = describeChain(credential.chain)
    const asked = { lifetimeSeconds, identity: identity.oneLine }
    this.asked.push({ requests: requests.map(showAttributeRequest), ...asked })
    await this.behave(call)
    const missing = requests.filter((one) => !this.granted.has(showFqan(fqanOf(one))))
    const [first] = missing
    if (first && (!allowPartial || missing.length === requests.length)) throw refused(first)
    const left = requests.filter((one) => !missing.includes(one))
    const acs = [...new Set(left.map(({ vo }) => vo))].map((vo) =>
      this.grant(vo, left.filter((one) => one.vo === vo).map(fqanOf), credential, lifetimeSeconds),
    )
    const ends = { now: this.#clock.now(), notAfter: effectiveEnd }
    return { credential: addAttributes(credential, acs, ends), missing, warnings: [] }
  }

  /** These FQANs, then the groups that a server adds. */
  grant(vo: string, wanted: readonly Fqan[], holder: Credential, seconds: number): Uint8Array {
    const named = this.servers[vo]
    if (named === undefined) throw new TypeError(`there is no server of ${vo}`)
    const groups = [...this.granted].filter((fqan) => isGroupOf(vo, fqan)).map(parseFqan)
    const fqans = [...new Set([...wanted, ...groups].map(showFullFqan))]
    const now = this.#clock.now()
    const notAfter = now + Math.min(seconds, this.capSeconds)
    const { holder: other, server = named, ...wrong } = this.falsify(vo)
    return server.grant(other ?? holder, { fqans, now, notAfter, ...wrong })
  }

  /** A login proxy that carries `fqans` of the VO `alice`. */
  login(signer: Credential, fqans: readonly string[], hours = 24): Credential {
    const now = this.#clock.now()
    const ac = this.grant('alice', fqans.map(parseFqan), signer, hours * 3600)
    return addAttributes(signer, [ac], { now, hours })
  }
}

function isGroupOf(vo: string, fqan: string): boolean {
  const inVo = fqan === `/${vo}` || fqan.startsWith(`/${vo}/`)
  return inVo && !fqan.includes('/Role=')
}

const fqanOf = ({ vo, fqan }: AttributeRequest): Fqan => fqan ?? { group: `/${vo}` }

function refused(request: AttributeRequest): VoboxError {
  const { vo } = request
  const message = `VO ${vo}: voms.${vo}.example.org:15000 does not grant ${showFqan(fqanOf(request))}`
  return new VoboxError('VOMS_ATTRIBUTE_NOT_GRANTED', message, {
    hint: 'Ask the administrators of the VO for it, or ask for less',
    data: { vo, reason: 'refused' },
  })
}

/** What every VOMS server that is down says. */
export function vomsDown(): VoboxError {
  return new VoboxError(
    'VOMS_SERVERS_FAILED',
    'no VOMS server of alice could be used: voms.alice.example.org:15000: connection refused',
    { data: { vo: 'alice', attempts: [] }, hint: 'Check the vomses file' },
  )
}
