/** What became of a MyProxy server's CA files, for people and as JSON. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { encodeDocument } from './query-json.js'

export interface TrustRootsFacts {
  server: string
  directory: string
  /** Names of files. */
  added: readonly string[]
  replaced: readonly string[]
  unchanged: readonly string[]
  newerHere: readonly string[]
  refused: readonly { name: string; reason: string }[]
  newAuthorities: readonly { subject: string; fingerprint: string; notAfter: UnixSeconds }[]
  /** Only where the server's CA was not known before. */
  vouchedBy?: { subject: string; fingerprint: string }
}

/** @param terse the sentence of `myproxy-get-trustroots` alone, and CAs that are new. */
export function showTrustRoots(facts: TrustRootsFacts, terse = false): string {
  const { directory, added, replaced, unchanged, newerHere, newAuthorities, vouchedBy } = facts
  const counts = [
    [added, 'new'],
    [replaced, 'replaced'],
    [unchanged, 'as before'],
    [newerHere, 'newer here than there, and kept'],
  ] as const
  const said = counts.flatMap(([names, what]) =>
    names.length > 0 ? `${names.length} ${what}` : [],
  )
  const lines = [
    `Trust roots have been installed in ${printable(directory)}/.`,
    ...(terse ? [] : [`  files from ${facts.server}: ${said.join(', ')}`]),
    ...newAuthorities.flatMap(({ subject, fingerprint }) => [
      `  new CA ${printable(subject)}`,
      `    SHA-256 ${showFingerprint(fingerprint)}`,
    ]),
    ...(vouchedBy === undefined ? [] : vouchedLines(vouchedBy)),
  ]
  return `${lines.join('\n')}\n`
}

function vouchedLines({ subject, fingerprint }: NonNullable<TrustRootsFacts['vouchedBy']>) {
  return [
    `  the server itself is vouched for by ${printable(subject)}`,
    `    SHA-256 ${showFingerprint(fingerprint)}`,
    '    which it sent itself: compare this with what the CA publishes',
  ]
}

/** As `openssl x509 -fingerprint` shows it, and as CAs publish it. */
function showFingerprint(hex: string): string {
  return (hex.toUpperCase().match(/../g) ?? []).join(':')
}

/** What was left out of the files, a sentence for each. */
export function warningsOfTrustRoots({ refused }: TrustRootsFacts): { message: string }[] {
  return refused.map(({ name, reason }) => ({
    message: `the CA file '${printable(name)}' was left out: ${printable(reason)}`,
  }))
}

/** The part of a document that is about CA files. */
export function trustRootsFields({ vouchedBy = undefined, ...facts }: TrustRootsFacts) {
  return { ...facts, vouchedBy: vouchedBy ?? null }
}

export function encodeTrustRoots(facts: TrustRootsFacts): string {
  return encodeDocument(trustRootsFields(facts))
}
