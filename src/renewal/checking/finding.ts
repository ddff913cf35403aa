/**
 * What the doctor found: one look at one thing, with its verdict, one sentence and its cure.
 *
 * Probes gather facts, judges turn them into findings, and nobody else decides what is bad. A thing
 * that could not be looked at because of another finding is `skipped`, so that one cause is told once.
 */
import { cureOf, type ErrorCode, printable, toVoboxError, type VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'

/** `doubtful`: works, and should be looked at; `bad`: does not work, or is about to stop. */
export type CheckVerdict = 'good' | 'doubtful' | 'bad' | 'skipped'

/** What is looked at. The names are part of `--json` and of what a probe of a site greps for. */
export type CheckName =
  | 'clock'
  | 'trust'
  | 'crl'
  | 'host-certificate'
  | 'machine-proxy'
  | 'repository'
  | 'disk'
  | 'registry'
  | 'service'
  | 'mail'
  | 'user-proxy'
  | 'jobs'
  | 'pass-phrase'
  | 'server'
  | 'stored-credential'
  | 'renewer'
  | 'lifetime'
  | 'alike'
  | 'chain'
  | 'voms'
  | 'rehearsal'

export interface Finding {
  check: CheckName
  verdict: CheckVerdict
  /** One sentence without a full stop, safe to show. */
  sentence: string
  /** What to do, where there is anything to do. */
  cure?: string
  /** Of the failure behind it. */
  code?: ErrorCode
  /** Identity DN of the registration that it is about; absent: the machine, or the whole VO. */
  identity?: string
  /** Proxy file name of that registration. */
  fileName?: string
  /** `host:port` that it is about. */
  server?: string
  /** When what it is about ends or ended. */
  end?: UnixSeconds
  /** Two failures with one root are told once; see `fold-consequences.ts`. Not for programs. */
  root?: string
}

/** What a finding is about, besides its check. */
export type About = Pick<Finding, 'identity' | 'fileName' | 'server' | 'end'>

export function good(check: CheckName, sentence: string, about: About = {}): Finding {
  return { check, verdict: 'good', sentence, ...about }
}

export function doubtful(
  check: CheckName,
  sentence: string,
  cure: string | undefined,
  about: About = {},
): Finding {
  return { check, verdict: 'doubtful', sentence, ...(cure !== undefined && { cure }), ...about }
}

export function bad(
  check: CheckName,
  sentence: string,
  cure: string | undefined,
  about: About = {},
): Finding {
  return { check, verdict: 'bad', sentence, ...(cure !== undefined && { cure }), ...about }
}

export function skipped(check: CheckName, because: string, about: About = {}): Finding {
  return { check, verdict: 'skipped', sentence: because, ...about }
}

/** A failure as a finding, with the cure that it names or that its code has. */
export function failed(check: CheckName, thrown: unknown, about: About = {}): Finding {
  const error = toVoboxError(thrown)
  const finding = bad(check, printable(error.message), cureOf(error), about)
  return { ...finding, code: error.code, root: rootOf(error) }
}

/** What made a peer or a chain untrusted, with the CA that it is about where that is known. */
function rootOf({ code, data }: VoboxError): string {
  const reason = typeof data.reason === 'string' ? data.reason : code
  return typeof data.issuer === 'string' ? `${reason} ${data.issuer}` : reason
}
