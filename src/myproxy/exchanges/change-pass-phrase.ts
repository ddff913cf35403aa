/** CHANGE_PASSPHRASE: encrypts a stored key anew. */
import type { MyProxyContext } from '../context.js'
import { readOk, sendRequest } from '../conversation.js'
import type { Answered, OwnerCall, PassPhrase } from './call.js'
import { converse, plainRequest } from './converse.js'

/** Of which credential its owner changes the pass phrase. */
export interface ChangePassPhraseCall extends OwnerCall {
  /** As it is now. */
  passPhrase: PassPhrase
  newPassPhrase: PassPhrase
}

/** @throws `MYPROXY_PASS_PHRASE_WRONG`, `MYPROXY_NO_CREDENTIAL`, `ALL_SERVERS_FAILED`. */
export function requestChangePassPhrase(
  context: MyProxyContext,
  call: ChangePassPhraseCall,
): Promise<Answered> {
  const { passPhrase, newPassPhrase } = call
  return converse(context, call, 'writes', async (channel, server) => {
    await sendRequest(channel, {
      ...plainRequest(call),
      command: 'change-pass-phrase',
      passPhrase,
      newPassPhrase,
    })
    await readOk(channel)
    return { server }
  })
}
