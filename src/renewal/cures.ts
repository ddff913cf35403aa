/**
 * What cures a failed renewal that no retry will: one sentence with the very command, made of the
 * registration and of who we are. Where this table knows no better, the failure keeps the hint that
 * it was raised with.
 */
import { type ErrorCode, printable, VoboxError } from '../errors.js'
import { couldGoWithLess, servedBy, uploadCommand } from '../registry/cure-commands.js'
import { isJobFile } from '../registry/job-file-name.js'
import type { Registration } from '../registry/registration.js'

export interface CureFacts {
  registration: Registration
  /** Identity DN of the machine proxy; absent: it could not be read. */
  machineDn?: string
}

type Cure = (facts: CureFacts, error: VoboxError) => string | undefined

/** Names no renewer: a credential that several VO-Boxes share must not be taken from the others. */
const storeAgain =
  (why: string): Cure =>
  ({ registration }) =>
    `${why}: ${uploadCommand(registration)}`

const letUsRenew: Cure = (facts, error) =>
  error.data.reason === 'not-by-server'
    ? `The manager of the MyProxy server adds ${facts.machineDn ?? 'the DN of this host'} to authorized_renewers`
    : `Its owner stores it so that this host may renew it: ${uploadCommand(facts.registration, facts.machineDn)}`

const rightPassPhrase: Cure = ({ registration }) =>
  `Write the pass phrase with which it was stored into ${printable(registration.passPhraseFile ?? '')}, on one line; ` +
  `or its owner stores it with the one in there: ${uploadCommand(registration)}`

/** Where this machine has no proxy of its own, it comes without a name. */
const letUsRetrieve: Cure = ({ registration, machineDn }, error) => {
  const us = machineDn === undefined ? 'who has no certificate (anonymous)' : printable(machineDn)
  return error.data.reason === 'not-by-server'
    ? `The manager of the MyProxy server adds ${us} to authorized_retrievers`
    : `Its owner stores it so that this host may fetch it with the pass phrase: ${retrievable(registration, machineDn)}`
}

const retrievable = (registration: Registration, machineDn: string | undefined) =>
  machineDn === undefined
    ? `${uploadCommand(registration)} -a`
    : uploadCommand(registration, machineDn)

/** One that comes in another order is granted, and nothing is gained by going without. */
const goWithLess: Cure = ({ registration }, { data, hint }) =>
  couldGoWithLess(registration) && data.reason !== 'order'
    ? 'Ask the administrators of the VO for it, or register with --allow-partial to go on with the rest'
    : hint

export const REGISTER_AGAIN = 'Its owner logs in with a fresh proxy and registers again'

const GIVE_JOBS_ANOTHER =
  'Whoever submitted its jobs registers those that still run again, with a fresh proxy: see vobox-proxy job register --help'

const CURES: Partial<Record<ErrorCode, Cure>> = {
  MYPROXY_NO_CREDENTIAL: storeAgain('Its owner stores a credential'),
  MYPROXY_CREDENTIAL_EXPIRED: storeAgain('Its owner stores a new credential'),
  MYPROXY_PASS_PHRASE_REQUIRED: storeAgain('Its owner stores it without a pass phrase'),
  MYPROXY_PASS_PHRASE_WRONG: rightPassPhrase,
  MYPROXY_NOT_AUTHORISED_RETRIEVER: letUsRetrieve,
  CREDENTIAL_HAS_NO_PASS_PHRASE: storeAgain('Its owner stores it with a pass phrase'),
  MYPROXY_NOT_AUTHORISED_RENEWER: letUsRenew,
  CREDENTIAL_CARRIES_ATTRIBUTES: storeAgain(
    'Its owner stores it again without VOMS attributes, from the user certificate',
  ),
  VOMS_ATTRIBUTE_NOT_GRANTED: goWithLess,
  PROXY_EXPIRED: ({ registration }) =>
    isJobFile(registration.fileName) ? GIVE_JOBS_ANOTHER : REGISTER_AGAIN,
  RENEWED_IDENTITY_DIFFERS: ({ registration }) => {
    const own = `Who is registered stores a credential of their own (${uploadCommand(registration)})`
    return isJobFile(registration.fileName) ? own : `${own}, or registers with the right --username`
  },
  RENEWED_KIND_DIFFERS: storeAgain('Its owner stores it from an end-entity certificate'),
  RENEWED_LIMITED: storeAgain('Its owner stores it from a credential that is not limited'),
}

/** The same failure with the cure for this registration as its hint. */
export function withCure(error: VoboxError, facts: CureFacts): VoboxError {
  const cure = CURES[error.code]
  if (cure === undefined) return error
  const peer = typeof error.data.peer === 'string' ? error.data.peer : undefined
  const registration = servedBy(facts.registration, peer)
  return new VoboxError(error.code, error.message, {
    hint: cure({ ...facts, registration }, error),
    data: error.data,
    cause: error.cause,
    persistence: error.persistence,
  })
}
