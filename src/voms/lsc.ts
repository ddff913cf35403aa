/**
 * `.lsc` files (`vomsdir/VO/HOST.lsc`): who a VOMS server is, by names instead of by a certificate
 * that somebody would have to replace every year.
 *
 *     /DC=org/DC=example/OU=Hosts/CN=voms.example.org     subject
 *     /DC=org/DC=example/CN=Example CA                    its issuer
 *     ------ NEXT CHAIN ------
 *     …
 *
 * One pair for each certificate that an attribute certificate brings along, in its order.
 */
import { printable, VoboxError } from '../errors.js'
import type { Certificate } from '../x509/certificate.js'
import { isNameText } from '../x509/name.js'

/** One-line names, as people wrote them. */
export interface LscPair {
  readonly subject: string
  readonly issuer: string
}

export interface Lsc {
  readonly file: string
  /** Any of these chains will do. */
  readonly chains: readonly (readonly LscPair[])[]
}

const NEXT_CHAIN = /^-+ *NEXT CHAIN *-+$/i
/** Lines of dashes stand at the top of files that were copied from documentation. */
const ORNAMENT = /^(-*|#.*)$/

/**
 * Reads the text of a `.lsc` file.
 *
 * @throws VoboxError `VOMS_TRUST_MISSING`, `data.file` and where it can be said `data.line`: a file
 *   that cannot be read trusts nobody.
 */
export function parseLsc(text: string, file: string): Lsc {
  const chains: string[][] = [[]]
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (NEXT_CHAIN.test(line)) chains.push([])
    else if (line.startsWith('/')) chains.at(-1)?.push(line)
    else if (!ORNAMENT.test(line))
      throw malformedLsc(file, 'is neither a name nor empty', index + 1)
  }
  const filled = chains.filter((names) => names.length > 0)
  if (filled.length === 0) throw malformedLsc(file, 'holds no name')
  return { file, chains: filled.map((names) => pairsOf(names, file)) }
}

function pairsOf(names: readonly string[], file: string): LscPair[] {
  if (names.length % 2 !== 0) throw malformedLsc(file, 'holds a subject without its issuer')
  const pairs: LscPair[] = []
  for (let at = 0; at < names.length; at += 2) {
    pairs.push({ subject: names[at] ?? '', issuer: names[at + 1] ?? '' })
  }
  return pairs
}

/** Whether these certificates, leaf first, are one of the chains: each pair, in order, and no more. */
export function matchesLsc({ chains }: Lsc, certificates: readonly Certificate[]): boolean {
  return chains.some(
    (pairs) =>
      pairs.length === certificates.length &&
      certificates.every((certificate, index) => {
        const pair = pairs[index]
        if (pair === undefined) return false
        const { subject, issuer } = certificate
        return isNameText(subject, pair.subject) && isNameText(issuer, pair.issuer)
      }),
  )
}

/** The lines that a `.lsc` file would need to match these certificates. */
export function lscLinesFor(certificates: readonly Certificate[]): string[] {
  return certificates
    .flatMap(({ subject, issuer }) => [subject.oneLine, issuer.oneLine])
    .map((name) => printable(name))
}

function malformedLsc(file: string, what: string, line?: number): VoboxError {
  const where = line === undefined ? printable(file) : `line ${line} of ${printable(file)}`
  return new VoboxError('VOMS_TRUST_MISSING', `${where} ${what}`, {
    hint: 'a .lsc file holds the subject of the VOMS server and below it the subject of its CA',
    data: { file, line },
  })
}
