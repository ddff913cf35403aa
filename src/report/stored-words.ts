/** How the end of a stored credential came to be known, and from which server, for people. */
import { printable } from '../errors.js'
import { showInstant } from '../ports/time-text.js'
import type { BehindServer } from '../registry/registration.js'
import type { StoredCredentialKnowledge } from '../registry/stored-credential.js'

type Seen = Extract<StoredCredentialKnowledge, { kind: 'seen' }>

/**
 * Which of the two it is: the server's own answer, or the chain of what it delegated last.
 *
 * @param unanswered INFO was asked for since, and not answered.
 */
export function howSeen({ from, server, learnedAt }: Seen, unanswered: boolean): string {
  const at = showInstant(learnedAt)
  const where = server === undefined ? '' : printable(server)
  if (from === 'info') return `by INFO${where && ` of ${where}`} (${at})`
  const why = unanswered ? '; the server does not answer INFO' : ''
  return `in the chain of the last renewal${where && `, from ${where}`} (${at})${why}`
}

/** Who stands in for whom, and what that means. */
export function behindSentence({ server, end, ahead }: BehindServer): string {
  return (
    `${printable(server)}, whose stored credential ends ${showInstant(end)} and is older than that ` +
    `of ${printable(ahead.server)}, which ends ${showInstant(ahead.end)}`
  )
}
