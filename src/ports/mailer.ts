/** One mail in plain text. */
export interface Mail {
  /** Envelope and header sender; absent: what the transport is configured with. */
  from?: string
  to: readonly string[]
  subject: string
  text: string
  /** Stable across retries, so that a mail that was sent twice is recognised by whoever reads it. */
  messageId: string
}

export interface Mailer {
  /**
   * Hands one mail to the transport and resolves when the transport has taken it.
   *
   * Rejects with `MAIL_REFUSED` (transient, or permanent for a 5xx answer about the address).
   */
  send(mail: Mail, signal?: AbortSignal): Promise<void>
}
