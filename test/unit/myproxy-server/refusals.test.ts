import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { refusal as classify } from '../../../src/myproxy/classify-refusal.js'
import {
  authenticationFailed,
  busy,
  changedMeanwhile,
  doesNotOwn,
  invalidOldPassPhrase,
  limitedClient,
  linesForClient,
  noCredential,
  notAccepted,
  notAuthenticated,
  notAuthorised,
  nothingOwned,
  nothingToDestroy,
  notOwned,
  notTheirs,
  ownedByAnother,
  passPhraseTooShort,
  storedExpired,
  storedLivesTooLong,
  wrongPassPhrase,
} from '../../../src/myproxy/server/refusals.js'

const DN = '/DC=org/CN=alice'

describe('refusals', () => {
  it.each([
    ['no credential', noCredential('alice', undefined)],
    ['no credential of that name', noCredential('alice', 'grid')],
    ['nothing of this owner', nothingOwned('alice', undefined, DN)],
    ['nothing of this owner and name', nothingOwned('alice', 'grid', DN)],
    ['nothing to destroy', nothingToDestroy()],
    ['not the owner', notOwned(DN)],
    ['taken by somebody else', ownedByAnother('alice', DN)],
    ['may not store', notAccepted(DN)],
    [
      'no renewer',
      notAuthorised([`"${DN}" not authorized by server's authorized_renewers policy`]),
    ],
    [
      'no retriever',
      notAuthorised([`"${DN}" not authorized by credential's authorized_retrievers policy`]),
    ],
    ['a wrong pass phrase', wrongPassPhrase()],
    [
      'somebody else’s proxy',
      authenticationFailed('certificate subject does not match credential to be renewed'),
    ],
    ['an expired credential', storedExpired()],
    ['a limited client', limitedClient()],
    ['no certificate', notAuthenticated()],
    ['a short pass phrase', passPhraseTooShort(6)],
    ['too long a life', storedLivesTooLong(200, 168)],
    ['a chain of somebody else', notTheirs('it is not yours')],
    ['not the owner of what is to be changed', doesNotOwn(DN)],
    ['a key without the pass phrase that is to be changed', invalidOldPassPhrase('none-set')],
    ['no old pass phrase', invalidOldPassPhrase('none-given')],
    ['a wrong old pass phrase', invalidOldPassPhrase('wrong')],
    ['a change by somebody else', changedMeanwhile()],
    ['too many at once', busy('too many attempts at once')],
  ])('say %s so that our client gives it the code that the server logs', (_name, error) => {
    expect(classify('px:7512', linesForClient(error)).code).toBe(error.code)
  })

  it('tell the client what it did wrong, in the sentence of the error', () => {
    const error = new VoboxError('PROTOCOL_VIOLATION', 'the first byte is not "0"')
    expect(linesForClient(error)).toEqual(['the first byte is not "0"'])
  })

  it.each([
    new VoboxError('FILE_UNREADABLE', '/var/lib/myproxy/alice.creds cannot be read'),
    new VoboxError('MYPROXY_STORE_MALFORMED', 'a stored key is not the one of its data'),
    new VoboxError('INTERNAL', 'Cannot read properties of undefined'),
  ])('tell nobody about our files and faults: $code', (error) => {
    expect(linesForClient(error)).toEqual(['internal error: see the log of the server'])
  })
})
