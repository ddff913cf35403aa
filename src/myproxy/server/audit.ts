/**
 * One line of the log for each request: who asked for what, for whom, what was decided, and why.
 *
 * Exactly one, however a request ends: served, refused, cut at its deadline, or left by its client.
 * A change that was made is told as made even when its client was gone before it could be told.
 * Nothing of a pass phrase or a key comes near it: only what is named here is written.
 */
import { printable, toVoboxError, type VoboxError } from '../../errors.js'
import type { Journal, JournalFields, JournalLevel } from '../../ports/journal.js'
import type { MyProxyCommand, MyProxyRequest } from '../request.js'
import type { Client } from './server-context.js'

/** What opened the way for a client. */
export type AuditReason =
  | 'pass-phrase'
  /** It holds a living proxy of the owner, as its answer to the challenge showed. */
  | 'challenge'
  /** Its own certificate, as a trusted retriever. */
  | 'certificate'
  | 'owner'
  /** `accepted_credentials`. */
  | 'accepted'
  | 'anybody'

/** Where a command has one way only. GET and RETRIEVE have several and note which one it was. */
const REASONS: Partial<Record<MyProxyCommand, AuditReason>> = {
  put: 'accepted',
  store: 'accepted',
  info: 'owner',
  destroy: 'owner',
  'change-pass-phrase': 'pass-phrase',
  'get-trust-roots': 'anybody',
}

/** What becomes known while a request is served. */
export interface AuditNotes {
  reason?: AuditReason
  /** Lifetime of what was issued, in seconds. */
  lifetimeSeconds?: number
  /** Of the certificate that was issued, in hexadecimal. */
  serial?: string
  /** Only authenticated: `myproxy-logon -N`. */
  fetchedNothing?: true
}

/** Longest name written, in characters. */
const MAX_CHARACTERS = 500

export class RequestAudit {
  readonly #journal: Journal
  readonly #peer: string
  #client: Client | undefined
  #request: Pick<MyProxyRequest, 'command' | 'username' | 'credentialName'> | undefined
  #notes: AuditNotes = {}
  #hidden: string | undefined
  #isDone = false
  #isWritten = false

  /** @param peer address and port. */
  constructor(journal: Journal, peer: string) {
    this.#journal = journal
    this.#peer = peer
  }

  from(client: Client): void {
    this.#client = client
  }

  asks({ command, username, credentialName }: MyProxyRequest): void {
    this.#request = { command, username, ...(credentialName !== undefined && { credentialName }) }
  }

  note(notes: AuditNotes): void {
    this.#notes = { ...this.#notes, ...notes }
  }

  /** Why a request is refused where its client is not told; the first one counts. */
  hides(because: 'policy' | 'pass-phrase' | 'not-stored'): void {
    this.#hidden ??= because
  }

  /** What was asked for has happened, whether or not the client hears of it. */
  done(): void {
    this.#isDone = true
  }

  granted(): void {
    this.#write('info', 'myproxy-served', `${this.#what()} granted`, { decision: 'granted' })
  }

  /** @param thrown why the request ended otherwise than it should. */
  refused(thrown: unknown): void {
    const error = toVoboxError(thrown)
    const { code } = error
    if (this.#isDone) {
      const text = `${this.#what()} granted; the client did not hear of it: ${error.message}`
      this.#write('info', 'myproxy-served', text, { decision: 'granted', code })
    } else {
      this.#write(levelOf(error, this.#request === undefined), 'myproxy-refused', error.message, {
        decision: 'refused',
        code,
        because: this.#hidden,
      })
    }
  }

  #what(): string {
    return this.#request?.command ?? 'request'
  }

  #write(level: JournalLevel, event: string, message: string, outcome: JournalFields): void {
    if (this.#isWritten) return
    this.#isWritten = true
    const { command, username, credentialName } = this.#request ?? {}
    const { reason = command && REASONS[command], ...notes } = this.#notes
    this.#journal.write(level, event, printable(message), {
      peer: this.#peer,
      client: shown(this.#client?.dn),
      command,
      username: shown(username),
      credential: shown(credentialName),
      ...outcome,
      ...(outcome.decision === 'granted' && { reason, ...notes }),
    })
  }
}

/** Who connects and says nothing, as monitors do, deserves no warning. */
function levelOf({ code }: VoboxError, beforeRequest: boolean): JournalLevel {
  if (code === 'INTERNAL') return 'error'
  return beforeRequest && code === 'CONNECTION_CLOSED' ? 'info' : 'warn'
}

function shown(text: string | undefined): string | undefined {
  return text === undefined ? undefined : printable(text, MAX_CHARACTERS)
}
