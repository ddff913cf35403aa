import { expect, it } from 'vitest'
import { PassPhraseProgram } from '../../../../src/myproxy/server/policy/pass-phrase-policy.js'
import type { CallOutRequest } from '../../../../src/ports/call-out.js'
import { rejectionOf } from '../../../support/failure.js'

it('hands a user name to the program that could not be taken for an option, and no other', async () => {
  const asked: CallOutRequest[] = []
  const callOuts = {
    run: async (request: CallOutRequest) => {
      asked.push(request)
      return { status: 0, stdout: new Uint8Array(), stderr: '' }
    },
  }
  const policy = new PassPhraseProgram(callOuts, '/usr/local/sbin/policy')
  const { signal } = new AbortController()
  const require = (username: string) =>
    policy.require('long enough', { username }, '/CN=anna', signal)

  await require('anna')
  expect(asked.map((request) => request.arguments)).toEqual([['anna', '/CN=anna', '', '', '']])
  expect((await rejectionOf(require('-rf'))).code).toBe('PASS_PHRASE_UNSUITABLE')
  expect(asked).toHaveLength(1)
})
