/** What a registration and its state must look like before they are believed. */
import * as v from 'valibot'
import { asUnixSeconds } from '../ports/clock.js'
import type { Registration, RegistrationState } from './registration.js'

/** A single path component that is neither hidden nor a way out of the directory. */
const fileName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+_-][A-Za-z0-9+._-]{0,254}$/))
/** 9999-12-31T23:59:59Z: what comes after could not be shown as a date. */
const LAST_INSTANT = 253_402_300_799
const instant = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(LAST_INSTANT),
  v.transform(asUnixSeconds),
)
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0))
const lifetime = v.pipe(v.number(), v.integer(), v.minValue(1))
const text = v.pipe(v.string(), v.minLength(1))

const registrationSchema = v.object({
  fileName,
  identity: text,
  identityDer: v.pipe(v.string(), v.minLength(4), v.base64()),
  servers: v.pipe(v.array(text), v.minLength(1)),
  username: v.exactOptional(text),
  credentialName: v.exactOptional(text),
  passPhraseFile: v.exactOptional(v.pipe(v.string(), v.startsWith('/'))),
  lifetimeSeconds: lifetime,
  refreshSeconds: v.nullable(lifetime),
  proxySafeSeconds: seconds,
  myproxySafeSeconds: seconds,
  email: v.nullable(text),
  voms: v.array(text),
  allowLimited: v.boolean(),
  // Files from before there were attributes do not have it.
  allowPartial: v.optional(v.boolean(), false),
  registeredAt: instant,
  updatedAt: instant,
})

const stateSchema = v.object({
  attemptedAt: v.exactOptional(instant),
  renewedAt: v.exactOptional(instant),
  renewedFrom: v.exactOptional(v.string()),
  failures: v.pipe(v.number(), v.integer(), v.minValue(0)),
  retryAt: v.exactOptional(instant),
  lastFailure: v.exactOptional(
    v.object({
      at: instant,
      code: v.string(),
      message: v.string(),
      hint: v.exactOptional(v.string()),
      persistence: v.picklist(['transient', 'permanent']),
      stage: v.exactOptional(v.picklist(['attributes'])),
    }),
  ),
  storedEnd: v.exactOptional(
    v.object({
      at: instant,
      learnedAt: instant,
      from: v.picklist(['info', 'chain']),
      server: v.exactOptional(v.string()),
    }),
  ),
  infoFailure: v.exactOptional(v.object({ at: instant, code: v.string(), message: v.string() })),
  behind: v.exactOptional(
    v.object({
      server: v.string(),
      end: instant,
      ahead: v.object({ server: v.string(), end: instant }),
    }),
  ),
  storedGoneAt: v.exactOptional(instant),
  shortGrant: v.exactOptional(
    v.object({
      askedSeconds: seconds,
      grantedSeconds: seconds,
      limit: v.picklist([
        'stored-lifetime',
        'stored-credential-ends',
        'secondary-behind',
        'server-cap',
        'attributes',
        'unknown',
      ]),
    }),
  ),
  missingAttributes: v.exactOptional(v.array(v.string())),
  cappedUntil: v.exactOptional(instant),
})

export type Checked<T> = { value: T } | { problem: string }

/** The registration in `entry`, which stands under `name`, or what is wrong with it. */
export function checkRegistration(name: string, entry: unknown): Checked<Registration> {
  const checked = check(registrationSchema, entry)
  if ('problem' in checked) return checked
  if (checked.value.fileName !== name) {
    return { problem: `fileName is '${checked.value.fileName}', but it stands under another name` }
  }
  return { value: Object.freeze(checked.value) }
}

export function checkState(entry: unknown): Checked<RegistrationState> {
  return check(stateSchema, entry)
}

function check<T>(schema: v.GenericSchema<unknown, T>, entry: unknown): Checked<T> {
  const result = v.safeParse(schema, entry, { abortEarly: true })
  if (result.success) return { value: result.output }
  const [issue] = result.issues
  const path = v.getDotPath(issue)
  return { problem: path === null ? issue.message : `${path}: ${issue.message}` }
}
