/** Clients that ask a MyProxy server of ours for CA files and then read nothing. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeRequest } from '../../src/myproxy/request.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import {
  connectionEnds,
  HELLO,
  type RawClient,
  rawClients,
  rawRequest,
  readErrorLines,
} from '../support/raw-myproxy-client.js'

/** More than the kernel takes for a client that reads nothing. */
const FILE_BYTES = 15_000_000
/** It and the names, in base64. */
const ANSWER_BYTES = 20_000_100

let grid: EmbeddedGrid
const clients = rawClients(() => grid)

beforeAll(async () => {
  grid = await startEmbeddedGrid({
    async config(directory) {
      const given = join(directory, 'given')
      await mkdir(given)
      const list = Buffer.alloc(FILE_BYTES, 'not a list of revoked certificates\n')
      await writeFile(join(given, '8b334820.r0'), list, { mode: 0o644 })
      return `cert_dir ${given}\n`
    },
    // One such answer for each of two networks.
    server: { answers: { maxBytes: 2 * ANSWER_BYTES, waitMs: 200 }, answerMs: 3000 },
  })
})
afterAll(async () => {
  clients.end()
  await grid.stop()
})

const ask = async (from: string): Promise<RawClient> => {
  const client = await clients.secure(undefined, grid, from)
  await client.write(HELLO)
  await client.write(encodeRequest(rawRequest({ command: 'get-trust-roots' })))
  return client
}

const answerTo = async (from: string) => {
  const client = await ask(from)
  const answer = await client.readUntilNul(2 * ANSWER_BYTES)
  client.close()
  return answer
}

it('hold room for one answer at most, are cut off after 3 s, and disturb no other network', async () => {
  const silent = await ask('127.0.0.1')
  // The first bytes of it: its answer is made and has its room.
  await silent.peekByte()
  silent.tls.removeAllListeners('readable').pause()

  expect(await readErrorLines(await ask('127.0.0.1'))).toEqual([
    'The server is busy: too many large answers are on their way. Try again later',
  ])
  expect((await answerTo('127.0.0.2')).length).toBeGreaterThan(20_000_000)
  expect(grid.log.filter(({ event }) => event.startsWith('myproxy-'))).toMatchObject([
    { event: 'myproxy-refused', fields: { peer: expect.stringContaining('127.0.0.1:') } },
    { event: 'myproxy-served', fields: { peer: expect.stringContaining('127.0.0.2:') } },
  ])

  await expect
    .poll(() => grid.log.at(-1)?.fields.code, { timeout: 10_000 })
    .toBe('DEADLINE_EXCEEDED')
  await connectionEnds(silent.tls)
  expect((await answerTo('127.0.0.1')).length).toBeGreaterThan(20_000_000)
})
