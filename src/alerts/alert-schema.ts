/**
 * What is kept on disk about alerts and unsent mail, and what it must look like before it is
 * believed. A file that is not understood counts as absent: the worst that follows is one more
 * mail.
 */
import * as v from 'valibot'
import { asUnixSeconds } from '../ports/clock.js'
import type { AlertState } from './alert-states.js'

const instant = v.pipe(v.number(), v.integer(), v.transform(asUnixSeconds))
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const level = v.picklist([1, 2, 3])

const stateSchema: v.GenericSchema<unknown, AlertState> = v.object({
  alert: v.picklist([
    'user-proxy',
    'stored-credential',
    'renewal',
    'attributes',
    'short-grant',
    'machine-proxy',
    'service',
  ]),
  kind: v.picklist([
    'user-proxy-short',
    'user-proxy-expired',
    'user-proxy-unreadable',
    'attributes-expired',
    'stored-credential-short',
    'stored-credential-expired',
    'renewal-failing',
    'renewal-refused',
    'attributes-failing',
    'attributes-refused',
    'attributes-partial',
    'short-grant',
    'machine-proxy-short',
    'machine-proxy-expired',
    'machine-proxy-missing',
    'service-problem',
  ]),
  level,
  since: instant,
  told: v.exactOptional(v.object({ at: instant, level, mails: count })),
  endedAt: v.exactOptional(instant),
  flaps: v.exactOptional(v.object({ count, level, endedAt: instant })),
})

/** One mail on its way, complete, so that it can be sent by whoever finds it. */
export interface QueuedMail {
  messageId: string
  /** What it is about; a reminder waits behind no other mail of the same alert. */
  alert: string
  to: readonly string[]
  subject: string
  text: string
  queuedAt: number
  /** Failed attempts so far. */
  attempts: number
  /** Earliest next attempt. */
  nextAt: number
  /** The transport said that trying again will not help; it is tried all the same, rarely. */
  refused: boolean
}

const line = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(998),
  v.regex(/^[^\u0000-\u001f\u007f]*$/),
)

const queuedMailSchema: v.GenericSchema<unknown, QueuedMail> = v.object({
  messageId: line,
  alert: v.string(),
  to: v.pipe(v.array(line), v.minLength(1)),
  subject: line,
  text: v.string(),
  queuedAt: instant,
  attempts: count,
  nextAt: instant,
  refused: v.boolean(),
})

/** The alerts of one thing, and mails about them that are not in the spool yet. */
export interface AlertRecord {
  states: readonly AlertState[]
  outbox: readonly QueuedMail[]
}

export const emptyRecord: AlertRecord = Object.freeze({ states: [], outbox: [] })

const recordSchema: v.GenericSchema<unknown, AlertRecord> = v.object({
  states: v.array(stateSchema),
  outbox: v.array(queuedMailSchema),
})

export const parseAlertRecord = (bytes: Uint8Array): AlertRecord | undefined =>
  parse(recordSchema, bytes)

export const parseQueuedMail = (bytes: Uint8Array): QueuedMail | undefined =>
  parse(queuedMailSchema, bytes)

/** JSON with a line feed. */
export function encodeJson(value: AlertRecord | QueuedMail | { sentAt: number }): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}

function parse<T>(schema: v.GenericSchema<unknown, T>, bytes: Uint8Array): T | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(Buffer.from(bytes).toString('utf8')))
    return result.success ? result.output : undefined
  } catch {
    return undefined
  }
}
