/**
 * What attribute certificates say and whether it may be believed, as plain values: for people who
 * look and for JSON. Whoever acts on attributes takes `VerifiedAttributes` instead.
 */
import { type ErrorCode, isVoboxError, printable, type VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { ChainFacts } from '../proxy/chain-facts.js'
import type { AttributeCertificate } from './attribute-certificate.js'
import { attributesInside, attributesOfChain } from './chain-attributes.js'
import { showFqan } from './fqan.js'
import type { JudgedAttributes } from './verify-attributes.js'

/** One attribute certificate. Names in OpenSSL's one-line form, instants in Unix seconds. */
export interface AttributeReport {
  /** Null, as everything but `verified` and `problem`: it cannot be read. */
  vo: string | null
  /** Whom the attributes were granted to: where verified, the identity of the chain. */
  holder: string | null
  /** Subject of the VOMS server's certificate. */
  issuer: string | null
  /** The server as it names itself, mostly `host:port`. */
  uri: string | null
  /** Hexadecimal. */
  serial: string | null
  /** The first is the primary one; without `NULL` parts. */
  fqans: readonly string[]
  /** The same as the server wrote them. */
  fqansAsWritten: readonly string[]
  genericAttributes: readonly { name: string; value: string; qualifier: string }[]
  /** Hosts that alone may use them; null: any. */
  targets: readonly string[] | null
  notBefore: number | null
  notAfter: number | null
  /** 0 when they have expired or cannot be read. */
  secondsLeft: number
  verified: boolean
  /** What vouches for the server: a `.lsc` file or its certificate in the vomsdir; null: nothing. */
  verifiedBy: 'lsc' | 'certificate' | null
  /** Why they are not believed; null: they are. */
  problem: AttributeProblem | null
}

export interface AttributeProblem {
  code: ErrorCode
  message: string
  hint: string | null
}

/** Attributes that a proxy further inside carries; they do not count. */
export interface InnerAttributeReport {
  /** Subject of the proxy that carries them. */
  proxy: string
  /** Null: they cannot be read. */
  vo: string | null
  fqans: readonly string[]
  notAfter: number | null
  secondsLeft: number
}

/** In the order of the proxy. */
export function reportAttributes(
  judged: readonly JudgedAttributes[],
  identity: string,
  now: UnixSeconds,
): AttributeReport[] {
  return judged.map((one) => {
    const verdict = verdictOn(one)
    if (one.ac === undefined) return { ...UNREADABLE, ...verdict }
    const holder = verdict.verified ? identity : one.ac.holderName.oneLine
    return { ...contentOf(one.ac, now), holder, ...verdict }
  })
}

/** The attributes of a chain that is not valid: whoever signed them, nobody may believe them. */
export function disbelieveAttributes(facts: ChainFacts, why: VoboxError): JudgedAttributes[] {
  try {
    return attributesOfChain(facts).outermost.map((ac) => ({ ac, problem: why }))
  } catch (error) {
    if (!isVoboxError(error)) throw error
    return [{ ac: undefined, problem: error }]
  }
}

type Verdict = Pick<AttributeReport, 'verified' | 'verifiedBy' | 'problem'>

function verdictOn(judged: JudgedAttributes): Verdict {
  if ('verified' in judged) {
    return { verified: true, verifiedBy: judged.verified.by, problem: null }
  }
  const { code, message, hint } = judged.problem
  return { verified: false, verifiedBy: null, problem: { code, message, hint: hint ?? null } }
}

const UNREADABLE: Omit<AttributeReport, keyof Verdict> = {
  vo: null,
  holder: null,
  issuer: null,
  uri: null,
  serial: null,
  fqans: [],
  fqansAsWritten: [],
  genericAttributes: [],
  targets: null,
  notBefore: null,
  notAfter: null,
  secondsLeft: 0,
}

function contentOf(
  ac: AttributeCertificate,
  now: UnixSeconds,
): Omit<AttributeReport, keyof Verdict | 'holder'> {
  return {
    vo: ac.vo,
    issuer: ac.issuer.oneLine,
    uri: ac.uri.slice(ac.uri.indexOf('://') + 3),
    serial: ac.serialHex,
    fqans: ac.fqans.map(showFqan),
    fqansAsWritten: [...ac.fqanTexts],
    genericAttributes: ac.genericAttributes.map(({ name, value, qualifier }) => ({
      name: printable(name),
      value: printable(value),
      qualifier: printable(qualifier),
    })),
    targets: ac.targeted ? ac.targets.map((target) => printable(target)) : null,
    notBefore: ac.notBefore,
    notAfter: ac.notAfter,
    secondsLeft: Math.max(0, ac.notAfter - now),
  }
}

/** What proxies further inside carry, nearest first. */
export function reportInnerAttributes(facts: ChainFacts, now: UnixSeconds): InnerAttributeReport[] {
  return attributesInside(facts).flatMap(({ step, acs, problem }): InnerAttributeReport[] => {
    const proxy = facts.proxies[step]?.certificate.subject.oneLine ?? ''
    if (problem !== undefined) {
      return [{ proxy, vo: null, fqans: [], notAfter: null, secondsLeft: 0 }]
    }
    return acs.map(({ vo, fqans, notAfter }) => ({
      proxy,
      vo,
      fqans: fqans.map(showFqan),
      notAfter,
      secondsLeft: Math.max(0, notAfter - now),
    }))
  })
}
