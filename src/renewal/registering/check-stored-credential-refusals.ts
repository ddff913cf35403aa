/**
 * What a refused trial renewal means to the person at the keyboard: which mistake was made in
 * uploading, and the command that puts it right. Pure.
 */
import { type ErrorCode, printable, VoboxError } from '../../errors.js'
import type { StoredCredential } from '../../myproxy/client.js'
import { dnAsPattern, uploadCommand } from '../../registry/cure-commands.js'
import type { Registration } from '../../registry/registration.js'
import { withCure } from '../cures.js'

export interface RefusalFacts {
  registration: Registration
  /** Identity DN of the machine proxy; absent: there is none, and none is needed. */
  machineDn?: string
  /** What INFO showed of the credential. */
  stored: Pick<StoredCredential, 'renewer'>
}

interface Diagnosis {
  code: ErrorCode
  message: string
  hint: string
}

/** The same failure said as what it means here; one that means nothing particular as it is. */
export function explainRefusal(error: VoboxError, facts: RefusalFacts): VoboxError {
  const diagnosis = diagnose(error, facts)
  if (diagnosis === undefined) return withCure(error, facts)
  const { machineDn, stored } = facts
  return new VoboxError(diagnosis.code, diagnosis.message, {
    hint: diagnosis.hint,
    data: { ...error.data, machineDn, renewer: stored.renewer },
    cause: error,
  })
}

function diagnose(error: VoboxError, facts: RefusalFacts): Diagnosis | undefined {
  switch (error.code) {
    case 'MYPROXY_PASS_PHRASE_REQUIRED':
      return hasPassPhrase(facts)
    case 'MYPROXY_NOT_AUTHORISED_RENEWER':
      return notAuthorised(error.data.reason, facts)
    default:
      return undefined
  }
}

function hasPassPhrase({ registration }: RefusalFacts): Diagnosis {
  return {
    code: 'CREDENTIAL_HAS_PASS_PHRASE',
    message:
      'the stored credential is protected by a pass phrase, so that nothing can renew from it',
    hint: `Register with --pass-phrase-file FILE, which holds it; or store it without one: ${uploadCommand(registration)}`,
  }
}

function notAuthorised(reason: unknown, facts: RefusalFacts): Diagnosis {
  const { registration, machineDn, stored } = facts
  const us = printable(machineDn ?? 'this machine')
  const others = printable(stored.renewer ?? 'others')
  const upload = uploadCommand(registration, machineDn)
  switch (reason) {
    case 'no-renewer-set':
      return {
        code: 'CREDENTIAL_HAS_NO_RENEWER',
        message:
          'the stored credential names no renewer, and by default the server does not let ' +
          `${us} renew it (one stored with a pass phrase looks the same)`,
        hint: `Store it so that this machine may renew it: ${upload}`,
      }
    case 'not-by-credential':
      return {
        code: 'CREDENTIAL_RENEWER_NOT_US',
        message: `the stored credential may be renewed by ${others}, and not by ${us}`,
        hint: `Store it so that this machine may renew it: ${upload}`,
      }
    default:
      return {
        code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
        message: `the MyProxy server itself does not let ${us} renew, whatever a credential says`,
        hint:
          `Ask the manager of the MyProxy server to add: authorized_renewers "${dnAsPattern(us)}"; ` +
          'or store it with a pass phrase and register with --pass-phrase-file FILE',
      }
  }
}
