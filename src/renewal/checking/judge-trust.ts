/** What is wrong with the CA directory and its CRLs, one finding a kind of problem. Pure. */
import type { UnixSeconds } from '../../ports/clock.js'
import { showDistance } from '../../ports/time-text.js'
import type { TrustAnchors, TrustProblem } from '../../x509/trust-anchors.js'
import { summary, TRUST_CURES } from '../service-watch.js'
import { bad, doubtful, type Finding, good } from './finding.js'

type ProblemKind = TrustProblem['kind']

/** What each is about, and whether something fails because of it today. */
const KINDS: Readonly<Record<ProblemKind, { check: 'crl' | 'trust'; hurts: boolean }>> = {
  'crl-expired': { check: 'crl', hurts: true },
  'crl-unreadable': { check: 'crl', hurts: true },
  'crl-expiring': { check: 'crl', hurts: false },
  'certificate-unreadable': { check: 'trust', hurts: false },
  'signing-policy-unreadable': { check: 'trust', hurts: false },
}

/** @param directory where the anchors were read. */
export function judgeTrust(anchors: TrustAnchors, directory: string, now: UnixSeconds): Finding[] {
  const { certificates, problems } = anchors
  if (certificates.length === 0) {
    return [
      bad('trust', `there is no CA certificate in ${directory}`, TRUST_CURES['trust-unreadable']),
    ]
  }
  const found = (Object.keys(KINDS) as ProblemKind[]).flatMap((kind) => {
    const sentence = summary(problems.filter((one) => one.kind === kind).map((one) => one.message))
    if (sentence === undefined) return []
    const { check, hurts } = KINDS[kind]
    return [(hurts ? bad : doubtful)(check, sentence, TRUST_CURES[kind])]
  })
  const of = (check: 'crl' | 'trust') => found.filter((one) => one.check === check)
  const trust = of('trust')
  const crl = of('crl')
  return [
    ...(trust.length > 0
      ? trust
      : [good('trust', `${count(certificates.length, 'CA')} in ${directory}`)]),
    ...(crl.length > 0 ? crl : [crlsAreFresh(anchors, now)]),
  ]
}

function crlsAreFresh(anchors: TrustAnchors, now: UnixSeconds): Finding {
  const lists = listsOf(anchors)
  if (lists.length === 0) return good('crl', 'no CA here has a CRL, so that nothing is revoked')
  const ends = lists.flatMap(({ nextUpdate }) => nextUpdate ?? [])
  const first = Math.min(...ends) as UnixSeconds
  const when = ends.length === 0 ? '' : `, the first to expire ${showDistance(first, now)}`
  return good('crl', `${count(lists.length, 'CRL')}${when}`)
}

/** When the CRL that was issued last was issued; undefined: there are none. */
export function newestCrlOf(anchors: TrustAnchors): UnixSeconds | undefined {
  const dates = listsOf(anchors).map(({ thisUpdate }) => thisUpdate)
  return dates.length === 0 ? undefined : (Math.max(...dates) as UnixSeconds)
}

/** Every list that is believed, with its CA. */
export function listsOf(anchors: TrustAnchors) {
  return anchors.certificates.flatMap((authority) => {
    const revocation = anchors.revocationBy(authority)
    if (revocation.kind !== 'present') return []
    return revocation.crls.map(({ crl, file }) => ({
      authority,
      file,
      thisUpdate: crl.thisUpdate,
      nextUpdate: crl.nextUpdate,
    }))
  })
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
