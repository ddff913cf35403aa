/**
 * Proxies that were admitted a moment ago. A workload manager hands over the same proxy with each of
 * a thousand jobs, and judging it costs more than all else together.
 *
 * What is kept is the verdict, not the key: a proxy that is written is parsed once more. It stands for
 * the very same bytes and trust alone, and for a minute, since revocation lists end as well.
 */
import { createHash } from 'node:crypto'
import type { UnixSeconds } from '../ports/clock.js'
import { type AdmissionRules, type AdmittedProxy, refuseTooShort } from './admit-job-proxy.js'

const SECONDS = 60

/** Verdicts kept; about a kilobyte each. */
const MOST = 1000

interface Verdict {
  admitted: AdmittedProxy
  at: UnixSeconds
  anchors: AdmissionRules['anchors']
  trust: AdmissionRules['attributes']['trust']
}

export class KnownAdmissions {
  /** By the SHA-256 of the file, oldest first. */
  readonly #verdicts = new Map<string, Verdict>()

  /** The verdict on these bytes, or a new one by `judge`. @throws as `admitJobProxy`. */
  admit(bytes: Uint8Array, rules: AdmissionRules, judge: () => AdmittedProxy): AdmittedProxy {
    const { now, anchors, attributes } = rules
    const digest = createHash('sha256').update(bytes).digest('base64')
    const known = this.#verdicts.get(digest)
    if (known !== undefined && stands(known, rules)) {
      refuseTooShort(known.admitted.end, rules)
      return known.admitted
    }
    this.#verdicts.delete(digest)
    const admitted = judge()
    this.#verdicts.set(digest, { admitted, at: now, anchors, trust: attributes.trust })
    const [oldest] = this.#verdicts.keys()
    if (this.#verdicts.size > MOST && oldest !== undefined) this.#verdicts.delete(oldest)
    return admitted
  }
}

function stands({ at, anchors, trust }: Verdict, rules: AdmissionRules): boolean {
  const age = rules.now - at
  const sameTrust = anchors === rules.anchors && trust === rules.attributes.trust
  return sameTrust && age >= 0 && age < SECONDS
}
