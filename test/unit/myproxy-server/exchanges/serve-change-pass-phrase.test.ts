import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  requestChangePassPhrase,
  requestDestroy,
  requestGet,
  requestPut,
  requestStore,
} from '../../../../src/myproxy/client.js'
import { PassPhraseProgram } from '../../../../src/myproxy/server/policy/pass-phrase-policy.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import type { CallOutAnswer, CallOutRequest } from '../../../../src/ports/call-out.js'
import type { Credential } from '../../../../src/proxy/credential.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { rejectionOf } from '../../../support/failure.js'
import { makeTemporaryDirectory } from '../../../support/temporary-directory.js'

const OLD = 'old pass phrase'
const NEW = 'new pass phrase'

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid({ server: { guesses: { firstDelayMs: 1 } } })
})
afterAll(() => grid.stop())

const call = () => ({ servers: grid.servers, username: 'alice' })

/** As a client stores it that encrypts cheaply; the server's own way takes long, on purpose. */
const store = () => {
  const { chain, privateKey } = grid.users.alice.credential
  return requestStore(grid.myproxy, {
    ...{ ...call(), credential: grid.users.alice.credential, lifetimeSeconds: 3600 },
    stored: {
      certificatesPem: chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      keyPem: privateKey
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: OLD })
        .toString(),
    },
  })
}

const change = (
  passPhrase: string,
  newPassPhrase: string,
  more: { username?: string; credential?: Credential } = {},
) =>
  requestChangePassPhrase(grid.myproxy, {
    ...{ ...call(), passPhrase, newPassPhrase },
    credential: grid.users.alice.credential,
    ...more,
  })

const get = (passPhrase: string) =>
  requestGet(grid.myproxy, { ...call(), passPhrase, lifetimeSeconds: 600 })

const stored = async () => (await grid.repository.find('alice', undefined))?.creds.toString() ?? ''

describe('CHANGE_PASSPHRASE', () => {
  beforeEach(store)

  it('makes the new one open what the old one opened, with the same certificates', async () => {
    const before = await grid.repository.find('alice', undefined)
    await change(OLD, NEW)
    expect((await get(NEW)).credential.chain[0]?.subject.oneLine).toContain('/CN=alice/')
    expect((await rejectionOf(get(OLD))).code).toBe('MYPROXY_PASS_PHRASE_WRONG')
    const after = await grid.repository.find('alice', undefined)
    expect(after?.data).toEqual({ ...before?.data, fingerprint: after?.data.fingerprint })
  })

  it('decrypts the key where the new one is empty, after which there is none to change', async () => {
    await change(OLD, '')
    expect(await stored()).toContain('BEGIN PRIVATE KEY')
    const failure = await rejectionOf(change('', NEW))
    expect(failure.code).toBe('CREDENTIAL_HAS_NO_PASS_PHRASE')
    expect(failure.data.serverMessage).toBe('invalid pass phrase')
  })

  it('lets one of two changes at once win, and tells the other to try again', async () => {
    const ends = await Promise.allSettled([change(OLD, 'first choice'), change(OLD, 'second one')])
    const lost = ends.filter(({ status }) => status === 'rejected')
    const [winner] = ends.flatMap(({ status }, at) =>
      status === 'fulfilled' ? [['first choice', 'second one'][at] ?? ''] : [],
    )
    expect(lost).toHaveLength(1)
    await get(winner ?? '')
  })
})

describe('CHANGE_PASSPHRASE refuses, and leaves the key as it was,', () => {
  beforeEach(store)

  const alice = () => grid.users.alice.credential
  const eve = () => grid.users.eve.credential

  it.each([
    ['a wrong old one', OLD.toUpperCase(), NEW, alice, 'MYPROXY_PASS_PHRASE_WRONG'],
    ['no old one', '', NEW, alice, 'MYPROXY_PASS_PHRASE_REQUIRED'],
    ['a new one of five characters', OLD, 'abcde', alice, 'PASS_PHRASE_UNSUITABLE'],
    ['somebody else with the right one', OLD, NEW, eve, 'MYPROXY_NOT_OWNER'],
  ] as const)('%s', async (_what, old, fresh, as, code) => {
    const before = await stored()
    const failure = await rejectionOf(change(old, fresh, { credential: as() }))
    expect(failure.code).toBe(code)
    expect(grid.log.at(-1)).toMatchObject({ event: 'myproxy-refused', fields: { code } })
    expect(await stored()).toBe(before)
  })

  it('what is not there, in the words of what is somebody else’s', async () => {
    const [{ data: mine }, { data: theirs }] = [
      await rejectionOf(change(OLD, NEW, { username: 'nobody' })),
      await rejectionOf(change(OLD, NEW, { credential: eve() })),
    ]
    expect(mine.serverMessage).toBe(`'${grid.users.alice.dn}' does not own the credentials`)
    expect(theirs.serverMessage).toBe(`'${grid.users.eve.dn}' does not own the credentials`)
  })

  it('a change of what is removed in the same moment', async () => {
    const changing = rejectionOf(change(OLD, NEW))
    await requestDestroy(grid.myproxy, { ...call(), credential: alice() })
    expect(['MYPROXY_REFUSED', 'MYPROXY_NOT_OWNER']).toContain((await changing).code)
    expect(await stored()).toBe('')
  })
})

describe('a pass phrase policy program', () => {
  const asked: CallOutRequest[] = []
  let answer: CallOutAnswer = { status: 0, stdout: Buffer.alloc(0), stderr: '' }
  const policy = new PassPhraseProgram(
    {
      run: async (request) => {
        asked.push({ ...request, input: Buffer.from(request.input ?? []) })
        return answer
      },
    },
    '/opt/policy',
  )
  const require = (passPhrase: string) =>
    policy.require(
      passPhrase,
      { username: 'alice', credentialName: 'grid', renewer: '*/CN=x' },
      '/CN=alice',
      new AbortController().signal,
    )
  afterEach(() => {
    asked.length = 0
    answer = { status: 0, stdout: Buffer.alloc(0), stderr: '' }
  })

  it('reads the pass phrase and a line feed, and five words', async () => {
    await require('sésame 12')
    await require('')
    expect(asked.map(({ input }) => Buffer.from(input ?? []).toString())).toEqual([
      'sésame 12\n',
      '\n',
    ])
    expect(asked[0]).toMatchObject({
      file: '/opt/policy',
      arguments: ['alice', '/CN=alice', 'grid', '', '*/CN=x'],
    })
  })

  it.each([1, 255, undefined])('refuses by its status %s', async (status) => {
    answer = { status, stdout: Buffer.from('too simple\n'), stderr: '\u001b[1mno\n\n' }
    const failure = await rejectionOf(require('secret'))
    expect(failure).toMatchObject({
      code: 'PASS_PHRASE_UNSUITABLE',
      // What the log has of it: a program may quote the pass phrase.
      message: 'Pass phrase violates local policy.',
      data: { lines: ['Pass phrase violates local policy.', 'too simple', ' [1mno'] },
    })
  })

  it('that is not there stops the server at its start, with the line', async () => {
    const config = 'passphrase_policy_program /nowhere/policy\n'
    expect(await rejectionOf(startEmbeddedGrid({ config }))).toMatchObject({
      code: 'CONFIG_INVALID',
      data: { directive: 'passphrase_policy_program' },
    })
  })

  it('speaks through the server: on PUT and on a change, not where it is content', async () => {
    const { path, remove } = await makeTemporaryDirectory()
    const program = join(path, 'policy')
    writeFileSync(program, '#!/bin/sh\nread p; echo "$p is known"; [ "$p" != "password" ]\n')
    chmodSync(program, 0o755)
    const strict = await startEmbeddedGrid({ config: `passphrase_policy_program ${program}\n` })
    const upload = (passPhrase: string) =>
      requestPut(strict.myproxy, {
        ...{ servers: strict.servers, username: 'alice', passPhrase },
        credential: strict.users.alice.credential,
        ...{ storedSeconds: 3600, lifetimeSeconds: 3600, random: systemRandom },
      })
    try {
      const failure = await rejectionOf(upload('password'))
      expect(failure).toMatchObject({ code: 'PASS_PHRASE_UNSUITABLE' })
      expect(failure.data.serverMessage).toBe(
        'Pass phrase violates local policy. password is known',
      )
      expect(JSON.stringify(strict.log)).not.toContain('password is known')
      await upload('better one')
      const changing = requestChangePassPhrase(strict.myproxy, {
        ...{ servers: strict.servers, username: 'alice' },
        ...{ passPhrase: 'better one', newPassPhrase: 'password' },
        credential: strict.users.alice.credential,
      })
      expect((await rejectionOf(changing)).code).toBe('PASS_PHRASE_UNSUITABLE')
    } finally {
      await strict.stop()
      await remove()
    }
  })
})
