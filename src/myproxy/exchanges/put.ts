/** PUT: delegates a proxy to the server, which keeps it. */
import { answerDelegation } from '../../gsi/delegation.js'
import type { Random } from '../../ports/random.js'
import type { Credential } from '../../proxy/credential.js'
import type { MyProxyContext } from '../context.js'
import {
  readCertificationRequest,
  readOk,
  sendCertificateList,
  sendRequest,
} from '../conversation.js'
import type { Answered, OwnerCall, PassPhrase, StoredTerms } from './call.js'
import { converse, plainRequest, termsOf } from './converse.js'

/** What is stored by delegation, and on which terms. */
export interface PutCall extends OwnerCall, StoredTerms {
  /** Signs the stored credential: a user certificate or a proxy; absent: `credential`. */
  signer?: Credential | undefined
  /** How long the stored credential lives, in seconds; the signer's end may make it shorter. */
  storedSeconds: number
  /** Absent or empty: none (`-n`), as renewal needs it. */
  passPhrase?: PassPhrase | undefined
}

/**
 * Stores a credential. What is stored under that name already, by the same owner, is replaced.
 *
 * @throws `MYPROXY_NOT_AUTHORISED`, `MYPROXY_NOT_OWNER`, what signing throws, `ALL_SERVERS_FAILED`.
 */
export function requestPut(
  context: MyProxyContext,
  call: PutCall & { random: Random },
): Promise<Answered> {
  const { credential, signer = credential } = call
  return converse(context, call, 'writes', async (channel, server) => {
    await sendRequest(channel, {
      ...plainRequest(call),
      ...termsOf(call),
      command: 'put',
      passPhrase: call.passPhrase ?? '',
    })
    await readOk(channel)
    const request = await readCertificationRequest(channel)
    const delegated = answerDelegation({
      request,
      signer,
      lifetimeSeconds: call.storedSeconds,
      now: context.clock.now(),
      random: call.random,
    })
    await sendCertificateList(channel, delegated)
    await readOk(channel)
    return { server }
  })
}
