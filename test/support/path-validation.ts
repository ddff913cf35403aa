/** Trust anchors in memory, and paths held against them, for tests of path validation. */

import type { VoboxError } from '../../src/errors.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { Certificate } from '../../src/x509/certificate.js'
import { parseCrl } from '../../src/x509/crl.js'
import { buildName, nameHash } from '../../src/x509/name.js'
import {
  type PathOptions,
  type ValidatedPath,
  validatePath,
} from '../../src/x509/path-validation.js'
import { parseSigningPolicy, type SigningPolicy } from '../../src/x509/signing-policy.js'
import {
  makeTrustAnchors,
  type TrustAnchors,
  type TrustMaterial,
} from '../../src/x509/trust-anchors.js'
import { failureOf } from './failure.js'
import { type AuthorityOptions, type CertificateOptions, TestAuthority } from './pki.js'
import { type CrlOptions, makeCrl, signingPolicy } from './pki-files.js'

/** 2026-06-01, the time of all these tests. */
export const now = asUnixSeconds(Date.UTC(2026, 5, 1) / 1000)

/** A CA `/DC=org/DC=example/CN=…`. */
export function authority(commonName: string, options: AuthorityOptions = {}): TestAuthority {
  const name = buildName([
    ['DC', 'org'],
    ['DC', 'example'],
    ['CN', commonName],
  ])
  return new TestAuthority({ name, ...options })
}

/** Certificate of a user `alice` of that CA. */
export function userOf(ca: TestAuthority, options: CertificateOptions = {}): Certificate {
  const [certificate] = ca.issueUser('alice', options).chain
  if (certificate === undefined) throw new TypeError('no certificate')
  return certificate
}

/** Policies that allow everything, by the hashes of the names. */
export const policiesOf = (
  ...authorities: readonly TestAuthority[]
): Map<string, SigningPolicy | undefined> =>
  new Map(authorities.map((ca) => [nameHash(ca.name), parseSigningPolicy(signingPolicy(ca))]))

export interface Trust extends Partial<TrustMaterial> {
  allowMissingSigningPolicy?: boolean
}

/** Anchors of these CAs, each with a policy that allows everything, unless `trust` says otherwise. */
export function anchorsOf(
  authorities: readonly TestAuthority[],
  { allowMissingSigningPolicy = false, ...material }: Trust = {},
): TrustAnchors {
  const certificates = authorities.map(({ certificate }) => certificate)
  return makeTrustAnchors(
    { certificates, signingPolicies: policiesOf(...authorities), ...material },
    { allowMissingSigningPolicy, now: () => now },
  )
}

export const validate = (
  certificate: Certificate,
  anchors: TrustAnchors,
  intermediates: readonly Certificate[] = [],
  options: Partial<PathOptions> = {},
): ValidatedPath => validatePath(certificate, intermediates, anchors, { now, ...options })

/** What {@link validate} fails with. */
export const refusal = (...args: Parameters<typeof validate>): VoboxError =>
  failureOf(() => validate(...args))

/** A list of that CA as if it came from `/certs/x.r0`. */
export const crlFrom = (ca: TestAuthority, options: CrlOptions = {}) => ({
  crl: parseCrl(makeCrl(ca, options)),
  file: '/certs/x.r0',
})
