/** Whether a server can be reached, at each of its addresses, and is the one that is meant. Pure. */
import { cureOf, printable, type VoboxError } from '../../errors.js'
import { type About, type CheckName, doubtful, type Finding, failed, good } from './finding.js'

export interface ServerLook {
  /** `host:port`. */
  server: string
  /** Why its name has no address. */
  unresolved?: VoboxError
  addresses: readonly AddressLook[]
}

export interface AddressLook {
  ip: string
  /** Why it cannot be used; absent: it can. */
  error?: VoboxError
}

/**
 * One finding a server. An address that is dead beside one that lives costs every renewal its time,
 * and stops none.
 *
 * @param essential whether nobody else can do what it does.
 */
export function judgeServer(
  check: CheckName,
  { server, unresolved, addresses }: ServerLook,
  essential: boolean,
): Finding {
  const about: About = { server }
  if (unresolved !== undefined) return soften(failed(check, unresolved, about), essential)
  const broken = addresses.flatMap(({ error }) => error ?? [])
  const [first] = broken
  if (first === undefined) {
    const where = addresses.length > 1 ? `, at each of its ${addresses.length} addresses` : ''
    return good(check, `${server} answers and is the right one${where}`, about)
  }
  if (broken.length === addresses.length) {
    const finding = failed(check, first, about)
    return soften({ ...finding, sentence: naming(server, finding.sentence) }, essential)
  }
  const sentence = `${broken.length} of ${addresses.length} addresses of ${server} cannot be used: ${first.message}`
  return { ...doubtful(check, printable(sentence), cureOf(first), about), code: first.code }
}

/** Below a certain height, messages know addresses alone. */
const naming = (server: string, sentence: string) =>
  sentence.includes(server) ? sentence : `${server}: ${sentence}`

/** Where another can take its place it is a doubt: nothing stands still because of it. */
function soften(finding: Finding, essential: boolean): Finding {
  return essential ? finding : { ...finding, verdict: 'doubtful' }
}

export function isUsable({ addresses }: ServerLook): boolean {
  return addresses.some(({ error }) => error === undefined)
}
