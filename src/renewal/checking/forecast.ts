/**
 * What will break first, by date: everything of the line that ends some day, whose it is, and what to
 * do about it. Pure.
 */
import { printable } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { showDistance } from '../../ports/time-text.js'
import type { StoredEnd } from '../../registry/registration.js'

/** Names that are part of `--json` and of the calendar's identifiers. */
export type EndingKind =
  | 'user-certificate'
  | 'stored-credential'
  | 'user-proxy'
  | 'job-proxy'
  | 'attributes'
  | 'machine-proxy'
  | 'host-certificate'
  | 'voms-certificate'
  | 'ca-certificate'
  | 'crl'

/** Something that ends, as it was found. */
export interface Ending {
  kind: EndingKind
  /** What makes it this one and no other for ever: a DN, a file. */
  key: string
  end: UnixSeconds
  /** Of whom or where, for the sentence. */
  name: string
  /** Whose registration it is about, where it is about one. */
  identity?: string
  /**
   * Whether the service, cron or fetch-crl replaces it by itself, and nothing says that this fails:
   * then its end is only how long the line lives if that stops.
   */
  automatic: boolean
  /** An expired proxy that a pass phrase renews all the same; default false. */
  revivable?: boolean
  cure: string
  /** How the end of a stored credential is known. */
  seen?: StoredEnd['from']
}

export interface Forecast extends Ending {
  sentence: string
  /** Negative: it is over. */
  secondsLeft: number
}

/** What each is called, and what stops when it ends. */
const WORDS: Readonly<Record<EndingKind, { what: string; consequence: string }>> = {
  'user-certificate': {
    what: 'the certificate of',
    consequence: 'no credential can be stored from it, and no proxy outlives it',
  },
  'stored-credential': {
    what: 'the stored credential of',
    consequence: 'nothing is renewed from it',
  },
  'user-proxy': { what: 'the proxy of', consequence: 'its owner must register again' },
  'job-proxy': {
    what: 'the proxy of jobs of',
    consequence: 'it is dropped, and its jobs are told so',
  },
  attributes: { what: 'the VOMS attributes of', consequence: 'services refuse its proxy' },
  'machine-proxy': { what: 'the machine proxy', consequence: 'nothing at all is renewed' },
  'host-certificate': { what: 'the host certificate', consequence: 'no machine proxy can be made' },
  'voms-certificate': {
    what: 'the certificate of the VOMS server',
    consequence: 'no attributes that it signed are believed',
  },
  'ca-certificate': { what: 'the CA', consequence: 'nothing that it signed is believed' },
  crl: { what: 'the CRL of', consequence: 'nothing that its CA signed is believed' },
}

/**
 * In the order of their ends; of one thing that several registrations share, one.
 *
 * @param withinSeconds how far to look; what has ended already is always there.
 */
export function forecast(
  endings: readonly Ending[],
  now: UnixSeconds,
  withinSeconds: number,
): Forecast[] {
  const seen = new Map<string, Ending>()
  for (const ending of endings) {
    const key = `${ending.kind} ${ending.key}`
    const known = seen.get(key)
    if (known === undefined || ending.end < known.end) seen.set(key, ending)
  }
  return [...seen.values()]
    .filter(({ end }) => end - now <= withinSeconds)
    .map((ending) => ({
      ...ending,
      sentence: sentenceOf(ending, now),
      secondsLeft: ending.end - now,
    }))
    .sort((a, b) => a.end - b.end || compare(a.kind, b.kind) || compare(a.key, b.key))
}

const TOLD = { info: ', as the server said', chain: ', as the last renewal showed' } as const

const UNTIL_REVIVED = 'services refuse it until a pass phrase renews it'

function sentenceOf({ kind, name, end, revivable, seen }: Ending, now: UnixSeconds): string {
  const { what, consequence: usual } = WORDS[kind]
  const consequence = revivable ? UNTIL_REVIVED : usual
  const when = showDistance(end, now)
  const about = name === '' ? what : `${what} ${printable(name)}`
  const told = seen === undefined ? '' : TOLD[seen]
  return `${about} ${end <= now ? 'ended' : 'ends'} ${when}${told}; then ${consequence}`
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
